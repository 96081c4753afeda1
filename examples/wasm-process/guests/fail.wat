;; Receives one message at handle 3, and fails.
(module
  (import "hchan" "recv" (func $recv (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $recv (i32.const 3) (i32.const 0) (i32.const 64)))
    (unreachable)))
