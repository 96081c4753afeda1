module hchan-runtimes

go 1.22
