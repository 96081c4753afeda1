//! The grammar of `select!` and `select_blocking!`.
//!
//! Three stages, each a set of rules of one internal macro:
//!
//! 1. `@arms` splits the input into arms `{kind (operands) (pattern) (body)}`, in the order written,
//!    and says what to write instead where it cannot.
//! 2. `@bind` evaluates the operands, each once and in the order written, nested so that temporaries
//!    live until the select is over, and makes a pinned entry of each arm. The names are hygienic:
//!    every `entry` is another one.
//! 3. `@run` waits, and turns the winner's outcome into a [`Branch`](crate::select::private::Branch);
//!    `@body` gives it to the body when all entries are gone.

/// Performs exactly one of several operations, waiting as a task.
///
/// ```
/// # pollster::block_on(async {
/// # let (tx, rx) = hchan::bounded(1); let (out, _in) = hchan::bounded(1); out.try_send(0).unwrap();
/// # tx.try_send(1).unwrap(); let value = 2;
/// let n = hchan::select! {
///     recv(rx) -> msg => msg.unwrap_or(0),
///     send(out, value) -> sent => {
///         sent.unwrap();
///         -1
///     }
/// };
/// # assert_eq!(n, 1); });
/// ```
///
/// # Grammar
///
/// ```text
/// select! {
///     biased;                          first listed wins; otherwise a fair random choice
///     recv(rx) -> msg => body,         msg: Result<T, RecvError>
///     send(tx, value) -> res => body,  res: Result<(), SendError<T>>; the value is dropped if it loses
///     send(tx, in slot) -> res => body,  slot: a place of type Option<T>, taken only if it wins
///     wait(future) -> out => body,     any future
///     default => body,                 do not wait        (or)
///     default(duration) => body,       wait at most that long
/// }
/// ```
///
/// `-> pattern` may be left out, and so may the comma behind a body in braces. `rx` and `tx` are
/// borrowed: a handle, a reference to one, or any expression that derefs to one. Operands are
/// evaluated once, in the order written, before anything else happens. Bodies are ordinary code
/// of the enclosing function: `?`, `break`, `return` and `.await` work there.
///
/// # Behaviour
///
/// The choice is atomic: exactly one arm happens, whoever else selects on the same channels, in
/// tasks or threads, and however often a channel is named. An arm on a closed channel is ready. A
/// `send(tx, in slot)` with an empty slot and a `recv` from [`never`](crate::never) never are.
/// A `default` is taken only if there was a moment at which no arm was ready. Without arms it waits
/// for ever. A select does not meet itself: a send and a receive on one channel in one select wait
/// for others.
///
/// A future given to `wait` is polled while no peer may choose another arm, so its output and a
/// received value never meet; it is dropped if another arm wins. The losing arms are gone before the
/// body of the winner runs.
///
/// While the future of a `wait` is being polled, the select does not count as waiting: whoever comes
/// then passes it over, and it looks again before it waits on.
///
/// **Cancel-safe**, as far as the futures in it are: dropped while it waits, it has done nothing.
/// **Cost**: if the first arm that it draws is ready, that of a plain send or receive, and the draw; else it
/// looks at all arms without locks, then locks all its channels. Nothing is allocated for up to eight arms.
/// More than 28 need a larger `#![recursion_limit]`. `default(duration)` needs the feature `rt`.
#[macro_export]
macro_rules! select {
    ($($arms:tt)*) => {
        $crate::__select!(@start task $($arms)*)
    };
}

/// Performs exactly one of several operations, waiting on the thread.
///
/// [`select!`] says all about it; only `wait(future)` is not for threads.
///
/// ```
/// use std::time::Duration;
/// let (tx, rx) = hchan::bounded(0);
/// std::thread::spawn(move || tx.send_blocking("hello"));
/// let text = hchan::select_blocking! {
///     recv(rx) -> msg => msg.unwrap(),
///     default(Duration::from_secs(60)) => "nobody came",
/// };
/// assert_eq!(text, "hello");
/// ```
#[macro_export]
macro_rules! select_blocking {
    ($($arms:tt)*) => {
        $crate::__select!(@start thread $($arms)*)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    (@start task) => {
        match $crate::__private::forever().await {}
    };
    (@start thread) => {
        match $crate::__private::forever_blocking() {}
    };
    (@start $who:ident biased;) => {
        ::core::compile_error!("expected at least one arm behind `biased;`")
    };
    (@start $who:ident biased; $($arms:tt)*) => {
        $crate::__select!(@arms ($who Listed) [] [] [] $($arms)*)
    };
    (@start $who:ident biased $($arms:tt)*) => {
        ::core::compile_error!("expected `;` behind `biased`")
    };
    (@start $who:ident $($arms:tt)*) => {
        $crate::__select!(@arms ($who Fair) [] [] [] $($arms)*)
    };

    // Stage 1. `$how` is (who waits, bias). Then the arms so far three times over: all of them, those
    // without the default, and the default. Then what is left of the input.
    (@arms $how:tt $all:tt $plain:tt $default:tt) => {{
        let outcome = $crate::__select!(@bind $how $all [] never);
        $crate::__select!(@body outcome $plain $default)
    }};
    (@arms $how:tt $all:tt $plain:tt $default:tt default => $($rest:tt)*) => {
        $crate::__select!(@arms $how $all $plain $default default () => $($rest)*)
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt default $(($($time:tt)*))? -> $($rest:tt)*) => {
        ::core::compile_error!("`default` has no result: write `default => body` or `default(duration) => body`")
    };
    // Behind a body that is an expression there is a comma, or nothing.
    (@arms $how:tt $all:tt $plain:tt $default:tt
        $kind:ident $operands:tt $(-> $pattern:pat)? => $body:expr, $($rest:tt)*) => {
        $crate::__select!(@arm $how $all $plain $default $kind $operands [($($pattern)?) ($body)] $($rest)*)
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt
        $kind:ident $operands:tt $(-> $pattern:pat)? => $body:expr) => {
        $crate::__select!(@arm $how $all $plain $default $kind $operands [($($pattern)?) ($body)])
    };
    // Behind a block nothing is needed.
    (@arms $how:tt $all:tt $plain:tt $default:tt
        $kind:ident $operands:tt $(-> $pattern:pat)? => $body:block $($rest:tt)*) => {
        $crate::__select!(@arm $how $all $plain $default $kind $operands [($($pattern)?) ($body)] $($rest)*)
    };
    // What it is not, and what to write instead.
    (@arms $how:tt $all:tt $plain:tt $default:tt , $($rest:tt)*) => {
        ::core::compile_error!("expected an arm, found `,`")
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt
        $kind:ident $operands:tt $(-> $pattern:pat)? => $body:expr; $($rest:tt)*) => {
        ::core::compile_error!("expected `,` behind the body of an arm, found `;`")
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt
        $kind:ident $operands:tt $(-> $pattern:pat)? => $body:expr => $($rest:tt)*) => {
        ::core::compile_error!("expected `,` behind the body of an arm, found `=>`")
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt $kind:ident $operands:tt $(-> $pattern:pat)? =>) => {
        ::core::compile_error!(::core::concat!(
            "expected a body behind `=>` in the arm `", ::core::stringify!($kind $operands), "`"))
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt $kind:ident $operands:tt $(-> $pattern:pat)?) => {
        ::core::compile_error!(::core::concat!(
            "expected `=> body` behind `", ::core::stringify!($kind $operands), "`"))
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt $kind:ident $operands:tt -> => $($rest:tt)*) => {
        ::core::compile_error!(
            "expected a pattern behind `->`: write `-> result => body`, or leave `->` out")
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt $kind:ident => $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected operands in parentheses behind `", ::core::stringify!($kind),
            "`: write `recv(receiver)`, `send(sender, value)`, `send(sender, in slot)` or `wait(future)`"))
    };
    (@arms $how:tt $all:tt $plain:tt $default:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected an arm such as `recv(receiver) -> result => body,` (a body that is not in braces ",
            "ends with a comma), found `", ::core::stringify!($($rest)*), "`"))
    };

    // One arm: its operands.
    (@arm $how:tt [$($all:tt)*] [$($plain:tt)*] $default:tt
        recv ($rx:expr $(,)?) $body:tt $($rest:tt)*) => {
        $crate::__select!(@arms $how
            [$($all)* {recv $rx}] [$($plain)* $body] $default $($rest)*)
    };
    (@arm $how:tt [$($all:tt)*] [$($plain:tt)*] $default:tt
        send ($tx:expr, in $slot:expr $(,)?) $body:tt $($rest:tt)*) => {
        $crate::__select!(@arms $how
            [$($all)* {slot $tx, $slot}] [$($plain)* $body] $default $($rest)*)
    };
    (@arm $how:tt [$($all:tt)*] [$($plain:tt)*] $default:tt
        send ($tx:expr, $value:expr $(,)?) $body:tt $($rest:tt)*) => {
        $crate::__select!(@arms $how
            [$($all)* {send $tx, $value}] [$($plain)* $body] $default $($rest)*)
    };
    (@arm (task $bias:ident) [$($all:tt)*] [$($plain:tt)*] $default:tt
        wait ($future:expr $(,)?) $body:tt $($rest:tt)*) => {
        $crate::__select!(@arms (task $bias)
            [$($all)* {wait $future}] [$($plain)* $body] $default $($rest)*)
    };
    (@arm $how:tt [$($all:tt)*] $plain:tt [] default () $body:tt $($rest:tt)*) => {
        $crate::__select!(@arms $how [$($all)* {default}] $plain [$body] $($rest)*)
    };
    (@arm $how:tt [$($all:tt)*] $plain:tt [] default ($time:expr $(,)?) $body:tt $($rest:tt)*) => {
        $crate::__select!(@arms $how [$($all)* {default $time}] $plain [$body] $($rest)*)
    };
    (@arm (thread $bias:ident) $all:tt $plain:tt $default:tt wait $($rest:tt)*) => {
        ::core::compile_error!(
            "`wait(future)` is for `select!` in async code: a thread does not poll futures")
    };
    (@arm $how:tt $all:tt $plain:tt [$($default:tt)+] default $($rest:tt)*) => {
        ::core::compile_error!("there is more than one `default`")
    };
    (@arm $how:tt $all:tt $plain:tt $default:tt recv $operands:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv(receiver)`, found `", ::core::stringify!(recv $operands), "`"))
    };
    (@arm $how:tt $all:tt $plain:tt $default:tt send $operands:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `send(sender, value)` or `send(sender, in slot)`, found `",
            ::core::stringify!(send $operands), "`"))
    };
    (@arm $how:tt $all:tt $plain:tt $default:tt wait $operands:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `wait(future)`, found `", ::core::stringify!(wait $operands), "`"))
    };
    (@arm $how:tt $all:tt $plain:tt $default:tt default $operands:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `default` or `default(duration)`, found `", ::core::stringify!(default $operands), "`"))
    };
    (@arm $how:tt $all:tt $plain:tt $default:tt $kind:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv`, `send`, `wait` or `default`, found `", ::core::stringify!($kind), "`"))
    };

    // Stage 2. `$offers` are the names of the offers; `$time` is what a default says: never, now,
    // or the name of a duration.
    (@bind $how:tt [] $offers:tt $time:ident) => {
        $crate::__select!(@run $how $offers $time)
    };
    (@bind $how:tt [{recv $rx:expr} $($rest:tt)*] [$($offers:ident)*] $time:ident) => {
        match &$rx {
            receiver => {
                let offer = $crate::__private::recv(receiver);
                $crate::__select!(@bind $how [$($rest)*] [$($offers)* offer] $time)
            }
        }
    };
    (@bind $how:tt [{send $tx:expr, $value:expr} $($rest:tt)*] [$($offers:ident)*] $time:ident) => {
        match (&$tx, $value) {
            (sender, value) => {
                let offer = $crate::__private::send(sender, value);
                $crate::__select!(@bind $how [$($rest)*] [$($offers)* offer] $time)
            }
        }
    };
    (@bind $how:tt [{slot $tx:expr, $slot:expr} $($rest:tt)*] [$($offers:ident)*] $time:ident) => {
        match (&$tx, &mut $slot) {
            (sender, slot) => {
                let offer = $crate::__private::send_slot(sender, slot);
                $crate::__select!(@bind $how [$($rest)*] [$($offers)* offer] $time)
            }
        }
    };
    (@bind $how:tt [{wait $future:expr} $($rest:tt)*] [$($offers:ident)*] $time:ident) => {
        match $future {
            future => {
                let offer = $crate::__private::wait(future);
                $crate::__select!(@bind $how [$($rest)*] [$($offers)* offer] $time)
            }
        }
    };
    (@bind $how:tt [{default} $($rest:tt)*] $offers:tt never) => {
        $crate::__select!(@bind $how [$($rest)*] $offers now)
    };
    (@bind $how:tt [{default $time:expr} $($rest:tt)*] $offers:tt never) => {
        match $time {
            time => $crate::__select!(@bind $how [$($rest)*] $offers time)
        }
    };

    // Stage 3. A glance, and if it was in vain, the offers as arms. They keep their names.
    (@run ($who:ident $bias:ident) [$($offers:ident)*] $time:ident) => {
        'select: {
            let bias = $crate::__private::Bias::$bias;
            let offers = $crate::__select!(@list [] $($offers)*);
            // Bound one by one at once: a future would keep a place for the list.
            let ($crate::__select!(@list [] $($offers)*), asked) =
                match $crate::__select!(@glance $who offers bias $time) {
                    $crate::__private::Glance::Ended(branch) => break 'select branch,
                    $crate::__private::Glance::InVain(offers, asked) => (offers, asked),
                };
            // Not the value of the block in which the losers are dropped: if one panics, that would leak.
            let branch;
            {
                $(let mut $offers = ::core::pin::pin!($crate::__private::Offer::into_entry($offers));)*
                let mut winner: ::core::option::Option<usize> = {
                    let list = $crate::__select!(@list [.as_mut()] $($offers)*);
                    let mut selecting = ::core::pin::pin!($crate::__private::Selecting::new(list, bias, asked));
                    $crate::__select!(@wait $who selecting $time)
                };
                branch = $crate::__select!(@outcome winner [$($offers)*] $time);
            }
            branch
        }
    };
    (@list $call:tt) => {
        ()
    };
    (@list [$($call:tt)*] $first:ident $($rest:ident)*) => {
        ($first $($call)*, $crate::__select!(@list [$($call)*] $($rest)*))
    };
    (@glance task $offers:ident $bias:ident never) => {
        $crate::__private::glance_as_task::<::core::convert::Infallible, _>($offers, $bias)
    };
    (@glance thread $offers:ident $bias:ident never) => {
        $crate::__private::glance::<::core::convert::Infallible, _>($offers, $bias)
    };
    // Who does not wait does not give way.
    (@glance $who:ident $offers:ident $bias:ident now) => {
        $crate::__private::glance::<(), _>($offers, $bias)
    };
    (@glance task $offers:ident $bias:ident $time:ident) => {
        $crate::__private::glance_as_task::<(), _>($offers, $bias)
    };
    (@glance thread $offers:ident $bias:ident $time:ident) => {
        $crate::__private::glance::<(), _>($offers, $bias)
    };
    (@wait task $selecting:ident never) => {
        ::core::option::Option::Some($selecting.as_mut().await)
    };
    (@wait task $selecting:ident now) => {
        $selecting.as_mut().poll_once().await
    };
    (@wait task $selecting:ident $time:ident) => {
        $crate::__select_wait_at_most!($selecting $time)
    };
    (@wait thread $selecting:ident never) => {
        ::core::option::Option::Some($selecting.as_mut().block())
    };
    (@wait thread $selecting:ident now) => {
        $selecting.as_mut().try_once()
    };
    (@wait thread $selecting:ident $time:ident) => {
        $selecting.as_mut().block_at_most($time)
    };
    (@outcome $winner:ident [] never) => {
        $crate::__private::no_such_arm($winner)
    };
    (@outcome $winner:ident [] $time:ident) => {
        ()
    };
    (@outcome $winner:ident [$entry:ident $($rest:ident)*] $time:ident) => {
        if $crate::__private::is_first(&mut $winner) {
            $crate::__private::Branch::Here($crate::__private::Entry::finish($entry))
        } else {
            $crate::__private::Branch::There($crate::__select!(@outcome $winner [$($rest)*] $time))
        }
    };
    (@body $outcome:ident [] []) => {
        match $outcome {}
    };
    (@body $outcome:ident [] [[$pattern:tt ($body:expr)]]) => {
        match $outcome {
            () => $body,
        }
    };
    (@body $outcome:ident [[() ($body:expr)] $($rest:tt)*] $default:tt) => {
        $crate::__select!(@body $outcome [[(_) ($body)] $($rest)*] $default)
    };
    (@body $outcome:ident [[($pattern:pat) ($body:expr)] $($rest:tt)*] $default:tt) => {
        match $outcome {
            $crate::__private::Branch::Here($pattern) => $body,
            $crate::__private::Branch::There(others) => {
                $crate::__select!(@body others [$($rest)*] $default)
            }
        }
    };
}

/// What a task does that waits at most so long. Two macros, since a condition within one would ask for
/// the features of whoever uses it.
#[cfg(feature = "rt")]
#[doc(hidden)]
#[macro_export]
macro_rules! __select_wait_at_most {
    ($selecting:ident $time:ident) => {
        $crate::__private::wait_at_most($selecting.as_mut(), $time).await
    };
}

/// There is no timer.
#[cfg(not(feature = "rt"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __select_wait_at_most {
    ($selecting:ident $time:ident) => {
        ::core::compile_error!(
            "`default(duration)` in `select!` needs hchan's feature `rt`, which has the timer; in \
             `select_blocking!` it needs none"
        )
    };
}
