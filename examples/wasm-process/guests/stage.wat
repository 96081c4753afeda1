;; One stage of a pipeline: receives numbers at handle 3, adds one, sends them on to handle 4.
;; In Go: for n := range in { out <- n + 1 }
(module
  (import "hchan" "recv" (func $recv (param i32 i32 i32) (result i32)))
  (import "hchan" "send" (func $send (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $next
      ;; Until its input is closed, or nobody wants its output.
      (if (i32.eq (call $recv (i32.const 3) (i32.const 0) (i32.const 4)) (i32.const 4))
        (then
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (br_if $next (i32.eqz (call $send (i32.const 4) (i32.const 0) (i32.const 4)))))))))
