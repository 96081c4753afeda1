//! Where a library's documentation says otherwise than a law, or promises nothing of the kind: such a
//! `no` is marked, and the note says which.

const KANAL_CANCEL: &str = "documented: a receive that was polled has to be polled to its end";
const KANAL_ERROR: &str = "documented: the error of a send has no value";
const CROSSFIRE_0: &str = "documented: 0 is treated as 1";
const CROSSFIRE_LAZY: &str = "documented: clean-up may be lazy";

/// The package, the check, and what its documentation says.
const DOCUMENTED: [(&str, &str, &str); 25] = [
    ("crossbeam-channel", "a_result_that_is_dropped_gives_the_value_back", "documented: it panics"),
    ("kanal", "every_value_is_received_once_though_tasks_give_up", KANAL_CANCEL),
    ("kanal", "a_handed_value_passes_to_the_next_receiver", KANAL_CANCEL),
    ("kanal", "a_handed_value_passes_to_the_next_receiver_at_capacity_0", KANAL_CANCEL),
    ("kanal", "a_handed_value_comes_back_to_its_place", KANAL_CANCEL),
    ("kanal", "handed_values_come_back_in_any_order", KANAL_CANCEL),
    ("kanal", "a_handed_value_is_not_lost_at_capacity_0", KANAL_CANCEL),
    ("kanal", "a_handed_value_comes_back_after_the_close", KANAL_CANCEL),
    ("kanal", "a_waker_may_use_the_channel_when_another_gives_up", KANAL_CANCEL),
    ("kanal", "a_refused_value_is_in_the_error", KANAL_ERROR),
    ("kanal", "close_returns_the_values_of_waiting_tasks", KANAL_ERROR),
    ("kanal", "close_returns_the_values_of_waiting_threads", KANAL_ERROR),
    ("kanal", "the_last_receivers_drop_returns_the_values_of_waiting_tasks", KANAL_ERROR),
    ("kanal", "the_last_receivers_drop_returns_the_values_of_waiting_threads", KANAL_ERROR),
    ("kanal", "close_lets_receivers_drain", "documented: it closes completely, on both sides"),
    ("flume", "a_bounded_queue_is_dropped_with_the_last_receiver", "documented: with the last handle"),
    ("flume", "an_unbounded_queue_is_dropped_with_the_last_receiver", "documented: with the last handle"),
    ("crossfire", "capacity_0_holds_nothing", CROSSFIRE_0),
    ("crossfire", "a_task_has_sent_when_its_value_is_taken", CROSSFIRE_0),
    ("crossfire", "a_thread_has_sent_when_its_value_is_taken", CROSSFIRE_0),
    ("crossfire", "a_send_meets_one_receive", CROSSFIRE_0),
    ("crossfire", "a_value_of_a_waiting_task_is_taken_without_it", CROSSFIRE_0),
    ("crossfire", "receives_that_gave_up_leave_nothing_on_the_heap", CROSSFIRE_LAZY),
    ("crossfire", "sends_that_gave_up_leave_nothing_on_the_heap", CROSSFIRE_LAZY),
    ("crossfire", "a_result_that_is_dropped_gives_the_value_back", "documented: the message leaks"),
];

/// Checks of what only hchan promises; where a library does say something, see above. tokio promises
/// order among those who wait to send, and keeps it.
const NOT_PROMISED: [&str; 19] = [
    "a_bounded_queue_is_dropped_with_the_last_receiver",
    "an_unbounded_queue_is_dropped_with_the_last_receiver",
    "waiting_tasks_receive_in_the_order_they_came",
    "waiting_threads_receive_in_the_order_they_came",
    "waiting_tasks_send_in_the_order_they_came",
    "waiting_threads_send_in_the_order_they_came",
    "a_newcomer_does_not_take_the_value_of_a_waiting_task",
    "a_newcomer_does_not_take_the_value_of_a_waiting_thread",
    "a_newcomer_does_not_send_before_a_waiting_task",
    "a_newcomer_does_not_send_before_a_waiting_thread",
    "a_value_for_a_waiting_task_is_not_queued",
    "a_value_for_a_waiting_thread_is_not_queued",
    "a_waiting_receive_allocates_nothing",
    "a_waiting_send_allocates_nothing",
    "a_waker_that_panics_leaves_the_channel_usable",
    "a_senders_waker_that_panics_loses_no_value",
    "a_waker_that_panics_at_the_end_leaves_nobody_asleep",
    "the_rest_is_dropped_though_a_payloads_drop_panics",
    "a_send_that_lost_returns_its_value",
];

/// What there is to say about a library that does not hold a check.
pub(crate) fn note(package: &str, check: &str) -> Option<&'static str> {
    let documented = DOCUMENTED.iter().find(|(whose, what, _)| (*whose, *what) == (package, check));
    let not_promised = NOT_PROMISED.contains(&check).then_some("not promised");
    documented.map(|(.., note)| *note).or(not_promised)
}
