//! The laws of a channel as checks that any channel library can be asked, through a thin adapter.
//!
//! One file a law, one function a check. `for_each_law!` lists them once; from that list come the
//! tests of this crate and the table of the package `hchan-peers`.

pub(crate) mod alloc;
pub(crate) mod law_1_exactly_once;
pub(crate) mod law_2_order;
pub(crate) mod law_3_fairness;
pub(crate) mod law_4_handoff;
pub(crate) mod law_5_cancellation;
pub(crate) mod law_6_close;
pub(crate) mod law_7_rendezvous;
pub(crate) mod law_8_user_code;
pub(crate) mod library;
pub(crate) mod probe;
pub(crate) mod select_is_atomic;
pub(crate) mod types;
pub(crate) mod verdict;
pub(crate) mod waiters;

/// Calls the macro `$then` with all laws and the names of their checks.
macro_rules! for_each_law {
    ($then:ident) => {
        $then! {
            law_1_exactly_once {
                every_value_is_received_once_by_threads,
                every_value_is_received_once_by_tasks_and_threads,
                every_value_is_received_once_by_tasks_and_threads_at_capacity_0,
                every_value_is_received_once_though_tasks_give_up,
                a_receive_that_times_out_loses_nothing,
                a_refused_value_is_in_the_error,
                a_bounded_queue_is_dropped_with_the_last_receiver,
                an_unbounded_queue_is_dropped_with_the_last_receiver,
                what_is_queued_is_dropped_once,
                close_and_take_returns_what_is_queued,
            }
            law_2_order {
                values_of_one_sender_stay_in_order_among_threads,
                the_queue_and_those_who_wait_to_send_are_one_line,
            }
            law_3_fairness {
                waiting_tasks_receive_in_the_order_they_came,
                waiting_threads_receive_in_the_order_they_came,
                waiting_tasks_send_in_the_order_they_came,
                waiting_threads_send_in_the_order_they_came,
                a_newcomer_does_not_take_the_value_of_a_waiting_task,
                a_newcomer_does_not_take_the_value_of_a_waiting_thread,
                a_newcomer_does_not_send_before_a_waiting_task,
                a_newcomer_does_not_send_before_a_waiting_thread,
            }
            law_4_handoff {
                a_value_for_a_waiting_task_is_not_queued,
                a_value_for_a_waiting_thread_is_not_queued,
                a_value_of_a_waiting_task_is_taken_without_it,
                a_value_of_a_waiting_thread_is_taken_without_it,
                a_waiting_receive_allocates_nothing,
                a_waiting_send_allocates_nothing,
            }
            law_5_cancellation {
                a_handed_value_passes_to_the_next_receiver,
                a_handed_value_passes_to_the_next_receiver_at_capacity_0,
                a_handed_value_comes_back_to_its_place,
                handed_values_come_back_in_any_order,
                a_handed_value_is_not_lost_at_capacity_0,
                a_handed_value_comes_back_after_the_close,
                a_handed_value_comes_back_after_close_and_take,
                a_send_that_gave_up_lets_the_next_go_on,
                a_withdrawn_send_returns_the_value,
                receives_that_gave_up_leave_nothing_on_the_heap,
                sends_that_gave_up_leave_nothing_on_the_heap,
            }
            law_6_close {
                close_lets_receivers_drain,
                the_last_senders_drop_lets_receivers_drain,
                the_end_wakes_waiting_tasks,
                the_end_wakes_waiting_threads,
                close_returns_the_values_of_waiting_tasks,
                close_returns_the_values_of_waiting_threads,
                the_last_receivers_drop_returns_the_values_of_waiting_tasks,
                the_last_receivers_drop_returns_the_values_of_waiting_threads,
                a_later_send_is_refused,
                closing_twice_changes_nothing,
            }
            law_7_rendezvous {
                capacity_0_holds_nothing,
                a_task_has_sent_when_its_value_is_taken,
                a_thread_has_sent_when_its_value_is_taken,
                a_send_meets_one_receive,
            }
            law_8_user_code {
                a_receivers_waker_may_use_the_channel,
                a_senders_waker_may_use_the_channel,
                a_waker_may_use_the_channel_that_closes,
                a_waker_may_use_the_channel_when_another_gives_up,
                the_drop_of_a_waker_may_use_the_channel,
                a_waker_that_panics_leaves_the_channel_usable,
                a_senders_waker_that_panics_loses_no_value,
                a_waker_that_panics_at_the_end_leaves_nobody_asleep,
                a_payload_may_use_the_channel_when_it_is_dropped,
                a_payload_whose_drop_panics_is_let_through,
                the_rest_is_dropped_though_a_payloads_drop_panics,
            }
            select_is_atomic {
                of_two_sends_of_a_thread_one_happens,
                of_two_sends_of_a_task_one_happens,
                of_a_send_and_a_receive_of_a_thread_one_happens,
                of_a_send_and_a_receive_of_a_task_one_happens,
                of_two_ready_receives_one_takes_a_value,
                selects_of_two_threads_agree,
                a_select_of_a_task_and_one_of_a_thread_agree,
                a_send_that_lost_returns_its_value,
                a_result_that_is_dropped_gives_the_value_back,
                a_select_that_gave_up_passes_its_value_on,
            }
            types {
                handles_go_to_other_threads_only_if_the_payload_may,
            }
        }
    };
}

pub(crate) use for_each_law;
