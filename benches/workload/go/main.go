// Times the runtimes' shapes of hchan-bench in Go: one shape, in one process, with GOMAXPROCS as it is set.
//
//	hchan-bench-go SHAPE SIZE WORKERS
//
// prints a line for each figure: what it is, a tab, nanoseconds. What the shapes are is said in ../src/shapes.
package main

import (
	"fmt"
	"os"
	"strconv"
)

// figure is a number of nanoseconds, and the words for it.
type figure struct {
	words       string
	nanoseconds float64
}

// shapes by name. Each takes its size and the number of workers.
var shapes = map[string]func(size, workers int) []figure{
	"ping-pong":          func(n, _ int) []figure { return pairs(1, n) },
	"8-pairs":            func(n, _ int) []figure { return pairs(8, n) },
	"ring-1000":          func(n, _ int) []figure { return ring(1000, n) },
	"sieve":              func(n, _ int) []figure { return sieve(n) },
	"skynet":             func(n, _ int) []figure { return skynet(n) },
	"spawn-join":         func(n, _ int) []figure { return oneByOne(n) },
	"spawn-10000":        func(n, _ int) []figure { return allAtOnce(10000, n) },
	"chained-spawn":      func(n, _ int) []figure { return chained(1000, n) },
	"yield-2":            func(n, _ int) []figure { return yields(2, n) },
	"yield-1000":         func(n, _ int) []figure { return yields(1000, n) },
	"fan-in-100-1":       func(n, _ int) []figure { return fan(100, 1, 128, n) },
	"fan-in-100-1-cap0":  func(n, _ int) []figure { return fan(100, 1, 0, n) },
	"fan-out-4-100":      func(n, _ int) []figure { return fan(4, 100, 128, n) },
	"fan-out-4-100-cap0": func(n, _ int) []figure { return fan(4, 100, 0, n) },
	"fan-8-8":            func(n, _ int) []figure { return fan(8, 8, 128, n) },
	"fan-8-8-cap0":       func(n, _ int) []figure { return fan(8, 8, 0, n) },
	"popular":            func(n, _ int) []figure { return popular(1000, n) },
	"sleeps":             func(n, _ int) []figure { return sleeps(n) },
	"timeouts":           func(n, _ int) []figure { return timeouts(100, n) },
	"busy-yielding":      behindYielding,
	"busy-spawning":      behindSpawning,
	"latency":            latency,
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: hchan-bench-go SHAPE SIZE WORKERS")
		os.Exit(2)
	}
	shape := shapes[os.Args[1]]
	if shape == nil {
		return // No line: it has no such shape.
	}
	size, _ := strconv.Atoi(os.Args[2])
	workers, _ := strconv.Atoi(os.Args[3])
	shape(size/10, workers)
	for _, figure := range shape(size, workers) {
		fmt.Printf("%s\t%.3f\n", figure.words, figure.nanoseconds)
	}
}
