module hchan-bench

go 1.22
