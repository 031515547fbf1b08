// Package stripesim is a Stripe of one's own: the part of Stripe's API, version
// 2023-10-16, that gifts through hosted Checkout touch, with the pages, the
// webhooks and the money behind them, to the payout. No money is real.
//
// What it promises:
//
//   - What it answers is what Stripe would answer, as far as can be known
//     without asking Stripe. FIDELITY.md tells documented behaviour from guesses.
//   - A state change and the events that announce it are one record in the log.
//     An answer is given after that record is on disk; kill -9 loses nothing
//     that was answered, and every event is delivered at least once.
//   - Connected accounts share the process and nothing else: what is asked of one is
//     never answered from another.
//   - Only Stripe's published test cards are taken. No other number is stored,
//     logged or shown again, and live keys are refused.
//   - With the same seed and the same requests it makes the same ids, and with
//     the same knobs the same faults.
//
// A parameter, card or endpoint that Stripe has and the simulator has not is
// refused in plain words; nothing is accepted and then ignored.
package stripesim
