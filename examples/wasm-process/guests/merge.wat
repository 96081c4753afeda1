;; Many into one: whatever comes at handle 3 or 4 goes to 5, until both are closed.
;; In Go: for a != nil || b != nil { select { case n, ok := <-a: if !ok { a = nil } ... case n, ok := <-b: ... } }
(module
  (import "hchan" "select" (func $select (param i32 i32 i32) (result i32)))
  (import "hchan" "send" (func $send (param i32 i32 i32) (result i32)))
  ;; Two arms of five numbers at 0 and 20: receive (1), from 3 and 4, to 64, at most 1024 bytes.
  (memory (export "memory") 1)
  (data (i32.const 0) "\01\00\00\00" "\03\00\00\00" "\40\00\00\00" "\00\04\00\00" "\00\00\00\00")
  (data (i32.const 20) "\01\00\00\00" "\04\00\00\00" "\40\00\00\00" "\00\04\00\00" "\00\00\00\00")
  (func (export "_start")
    (local $open i32) (local $arm i32) (local $len i32)
    (local.set $open (i32.const 2))
    (loop $next
      (local.set $arm
        (i32.mul (call $select (i32.const 0) (i32.const 2) (i32.const -1)) (i32.const 20)))
      (local.set $len (i32.load offset=16 (local.get $arm)))
      (if (i32.lt_s (local.get $len) (i32.const 0))
        (then ;; Closed: from now on this arm is off.
          (i32.store (local.get $arm) (i32.const 0))
          (local.set $open (i32.sub (local.get $open) (i32.const 1))))
        (else
          (br_if 1 (call $send (i32.const 5) (i32.const 64) (local.get $len)))))
      (br_if $next (local.get $open)))))
