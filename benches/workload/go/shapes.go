package main

import (
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// per is the time since start, per unit.
func per(unit string, count int, start time.Time) []figure {
	return []figure{{unit, float64(time.Since(start)) / float64(count)}}
}

func pairs(pairs, messages int) []figure {
	roundTrips := messages / pairs / 2
	start := time.Now()
	var tasks sync.WaitGroup
	for p := 0; p < pairs; p++ {
		ping, pong := make(chan int), make(chan int)
		tasks.Add(2)
		go func() {
			defer tasks.Done()
			for n := 0; n < roundTrips; n++ {
				ping <- n
				if <-pong != n {
					panic("another answer")
				}
			}
			close(ping)
		}()
		go func() {
			defer tasks.Done()
			for n := range ping {
				pong <- n
			}
		}()
	}
	tasks.Wait()
	return per("message", 2*pairs*roundTrips, start)
}

func ring(size, hops int) []figure {
	var tasks sync.WaitGroup
	first := make(chan int)
	inbox := first
	for at := 0; at < size; at++ {
		next := first
		if at+1 < size {
			next = make(chan int)
		}
		tasks.Add(1)
		go func(inbox <-chan int) {
			defer tasks.Done()
			for left := range inbox {
				if left == 0 {
					break
				}
				next <- left - 1
			}
			close(next)
		}(inbox)
		inbox = next
	}
	start := time.Now()
	first <- hops
	tasks.Wait()
	return per("hop", hops, start)
}

// sieve leaves its goroutines behind: they wait for ever.
func sieve(primes int) []figure {
	start := time.Now()
	in := make(chan int)
	go func(out chan<- int) {
		for n := 2; ; n++ {
			out <- n
		}
	}(in)
	last := 0
	for i := 0; i < primes; i++ {
		prime := <-in
		out := make(chan int)
		go func(in <-chan int) {
			for n := range in {
				if n%prime != 0 {
					out <- n
				}
			}
		}(in)
		in, last = out, prime
	}
	elapsed := time.Since(start)
	return []figure{{"message", float64(elapsed) / float64(sieveMessages(last))}}
}

func sieveMessages(last int) int {
	var primes []int
	messages := 0
numbers:
	for n := 2; n <= last; n++ {
		for _, prime := range primes {
			messages++
			if n%prime == 0 {
				continue numbers
			}
		}
		primes = append(primes, n)
		messages++
	}
	return messages
}

func node(parent chan<- int, first, leaves int) {
	if leaves == 1 {
		parent <- first
		return
	}
	sums := make(chan int)
	for child := 0; child < 10; child++ {
		go node(sums, first+child*(leaves/10), leaves/10)
	}
	sum := 0
	for child := 0; child < 10; child++ {
		sum += <-sums
	}
	parent <- sum
}

func skynet(leaves int) []figure {
	start := time.Now()
	sum := make(chan int)
	go node(sum, 0, leaves)
	if <-sum != leaves*(leaves-1)/2 {
		panic("another sum")
	}
	return per("task", (10*leaves-1)/9, start)
}

// oneByOne joins by a channel, made for each task, as its result has to come back.
func oneByOne(tasks int) []figure {
	start := time.Now()
	for n := 0; n < tasks; n++ {
		result := make(chan int, 1)
		go func() { result <- n }()
		if <-result != n {
			panic("another result")
		}
	}
	return per("task", tasks, start)
}

// allAtOnce joins by a WaitGroup, and the results come back in a slice.
func allAtOnce(batch, tasks int) []figure {
	batches := (tasks + batch - 1) / batch
	start := time.Now()
	for b := 0; b < batches; b++ {
		var all sync.WaitGroup
		all.Add(batch)
		results := make([]int, batch)
		for n := 0; n < batch; n++ {
			go func() {
				results[n] = n
				all.Done()
			}()
		}
		all.Wait()
	}
	return per("task", batches*batch, start)
}

func link(done chan<- struct{}, below int) {
	if below == 0 {
		done <- struct{}{}
	} else {
		go link(done, below-1)
	}
}

func chained(depth, tasks int) []figure {
	chains := (tasks + depth - 1) / depth
	done := make(chan struct{}, 1)
	start := time.Now()
	for c := 0; c < chains; c++ {
		go link(done, depth-1)
		<-done
	}
	return per("task", chains*depth, start)
}

func yields(tasks, yields int) []figure {
	each := (yields + tasks - 1) / tasks
	start := time.Now()
	var all sync.WaitGroup
	all.Add(tasks)
	for t := 0; t < tasks; t++ {
		go func() {
			for n := 0; n < each; n++ {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
	return per("yield", tasks*each, start)
}

func fan(senders, receivers, capacity, messages int) []figure {
	start := time.Now()
	channel := make(chan int, capacity)
	var sending, receiving sync.WaitGroup
	sending.Add(senders)
	receiving.Add(receivers)
	var received atomic.Int64
	for r := 0; r < receivers; r++ {
		go func() {
			count := 0
			for range channel {
				count++
			}
			received.Add(int64(count))
			receiving.Done()
		}()
	}
	for s := 0; s < senders; s++ {
		go func() {
			for n := 0; n < messages/senders; n++ {
				channel <- n
			}
			sending.Done()
		}()
	}
	sending.Wait()
	close(channel)
	receiving.Wait()
	return per("message", int(received.Load()), start)
}

func popular(tasks, messages int) []figure {
	each := (messages + tasks - 1) / tasks
	shared := make(chan int)
	var own []chan int
	var all sync.WaitGroup
	all.Add(tasks)
	start := time.Now()
	for t := 0; t < tasks; t++ {
		channel := make(chan int)
		own = append(own, channel)
		go func() {
			for n := 0; n < each; n++ {
				got := -1
				select {
				case got = <-shared:
				case got = <-channel:
				}
				if got != n {
					panic("another message")
				}
			}
			all.Done()
		}()
	}
	for n := 0; n < each; n++ {
		for _, channel := range own {
			channel <- n
		}
	}
	all.Wait()
	return per("message", tasks*each, start)
}

func sleeps(tasks int) []figure {
	random := uint64(1)
	times := make([]time.Duration, tasks)
	var longest time.Duration
	for t := range times {
		random = random*6364136223846793005 + 1442695040888963407
		times[t] = time.Duration(1000+(random>>33)%99000) * time.Microsecond
		longest = max(longest, times[t])
	}
	start := time.Now()
	var all sync.WaitGroup
	all.Add(tasks)
	var late atomic.Int64
	for _, duration := range times {
		go func() {
			start := time.Now()
			time.Sleep(duration)
			late.Add(int64(time.Since(start) - duration))
			all.Done()
		}()
	}
	all.Wait()
	over := time.Since(start) - longest
	return []figure{{"over the ideal", float64(over)}, {"late, mean", float64(late.Load()) / float64(tasks)}}
}

func timeouts(tasks, timeouts int) []figure {
	each := (timeouts + tasks - 1) / tasks
	start := time.Now()
	var all sync.WaitGroup
	all.Add(tasks)
	for t := 0; t < tasks; t++ {
		go func() {
			for n := 0; n < each; n++ {
				timer := time.NewTimer(time.Second)
				runtime.Gosched()
				timer.Stop()
			}
			all.Done()
		}()
	}
	all.Wait()
	return per("timeout", tasks*each, start)
}

// There is no thread outside of Go's runtime: what follows spawns from a goroutine that has a thread to itself.

func behindYielding(tasks, workers int) []figure {
	return whileHogs(2*workers, 10*time.Microsecond, func() []figure { return spawnMany(tasks) })
}

func behindSpawning(tasks, workers int) []figure {
	var stop atomic.Bool
	var busy func()
	busy = func() {
		if !stop.Load() {
			stall(10 * time.Microsecond)
			go busy()
		}
	}
	for b := 0; b < 2*workers; b++ {
		go busy()
	}
	figures := spawnMany(tasks)
	stop.Store(true)
	return figures
}

func spawnMany(tasks int) []figure {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	var all sync.WaitGroup
	all.Add(tasks)
	for t := 0; t < tasks; t++ {
		go all.Done()
	}
	all.Wait()
	return per("task", tasks, start)
}

func latency(milliseconds, workers int) []figure {
	return whileHogs(2*workers, 100*time.Millisecond, func() []figure {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		time.Sleep(100 * time.Millisecond)
		waited := make([]time.Duration, milliseconds)
		var all sync.WaitGroup
		all.Add(milliseconds)
		for m := 0; m < milliseconds; m++ {
			time.Sleep(time.Millisecond)
			spawned := time.Now()
			go func() {
				waited[m] = time.Since(spawned)
				all.Done()
			}()
		}
		all.Wait()
		sort.Slice(waited, func(a, b int) bool { return waited[a] < waited[b] })
		at := func(part float64) float64 {
			return float64(waited[min(int(float64(len(waited))*part), len(waited)-1)])
		}
		return []figure{{"p50", at(0.5)}, {"p99", at(0.99)}, {"p99.9", at(0.999)}}
	})
}

func whileHogs(hogs int, poll time.Duration, measure func() []figure) []figure {
	var stop atomic.Bool
	var all sync.WaitGroup
	all.Add(hogs)
	for h := 0; h < hogs; h++ {
		go func() {
			for !stop.Load() {
				runtime.Gosched()
				stall(poll)
			}
			all.Done()
		}()
	}
	figures := measure()
	stop.Store(true)
	all.Wait()
	return figures
}

func stall(duration time.Duration) {
	for start := time.Now(); time.Since(start) < duration; {
	}
}
