//! Coins tossed in every order of commitments, openings and seeds that are sent in the clear.

use super::active::{SACRIFICE, SPDZ, changed, is_caught, titled};
use crate::active::{Effect, deviate};
use smpc_ir::party::{Party, PartySet};

/// What a party does with its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Commit(u8),
    Open(u8),
    Clear(u8),
}

use Act::{Clear, Commit, Open};

impl Act {
    fn party(self) -> u8 {
        match self {
            Commit(party) | Open(party) | Clear(party) => party,
        }
    }

    fn text(self) -> String {
        match self {
            Commit(i) => format!("    P[{i}] commits s[{i}];\n"),
            Open(i) => format!("    P[{i}] decommits s[{i}];\n"),
            Clear(i) => format!("    P[{i}] -> P: s[{i}];\n"),
        }
    }
}

/// All orders for n parties, but for their names: the lowest acts first.
fn orders(n: u8) -> Vec<Vec<Act>> {
    let mut all = vec![vec![]];
    let mut done = Vec::new();
    while let Some(order) = all.pop() {
        let state = |party: u8| {
            order
                .iter()
                .rfind(|act: &&Act| act.party() == party)
                .copied()
        };
        let fresh = (0..n).find(|party| state(*party).is_none());
        let mut more = Vec::new();
        for party in 0..n {
            match state(party) {
                None if fresh == Some(party) => more.extend([Commit(party), Clear(party)]),
                Some(Commit(_)) => more.push(Open(party)),
                _ => {}
            }
        }
        if more.is_empty() {
            done.push(order);
            continue;
        }
        all.extend(
            more.into_iter()
                .map(|act| [order.as_slice(), &[act]].concat()),
        );
    }
    done
}

/// Whether a coalition is bound to its seeds before it has seen those of all others. Commitments and openings are begun when
/// all before is over; what stands between them in the clear may come at once, and who lies waits for it.
fn bound(order: &[Act], coalition: PartySet) -> bool {
    let mut phase = 0;
    let mut phases = Vec::new();
    for act in order {
        phase += usize::from(!matches!(act, Clear(_)));
        phases.push(phase);
    }
    let lies = |act: &&(&Act, &usize)| coalition.contains(Party(act.0.party()));
    let events: Vec<(&Act, &usize)> = order.iter().zip(&phases).collect();
    let last = events
        .iter()
        .filter(|event| lies(event) && !matches!(event.0, Open(_)))
        .map(|(_, phase)| **phase)
        .max()
        .unwrap_or(0);
    events
        .iter()
        .any(|event| !lies(&event) && !matches!(event.0, Commit(_)) && *event.1 > last)
}

fn tossed(scheme: &str, name: &str, n: u8, args: &[(&str, i128)]) -> (usize, usize) {
    let honest = "    for each P[i] {\n        let s[i] <- seed @ P[i];\n        P[i] commits s[i];\n    }\n    for each P[i] { P[i] decommits s[i]; }\n    r = prg";
    let (mut caught, mut first) = (0, 0);
    for order in orders(n) {
        let acts: String = order.iter().map(|act| act.text()).collect();
        let text = format!("    for each P[i] {{ let s[i] <- seed @ P[i]; }}\n{acts}    r = prg");
        let bound_text = changed(scheme, name, &[(honest, &text)], args);
        let problem = titled(&bound_text, "mul");
        let opens = order.iter().position(|act| !matches!(act, Commit(_)));
        let all_first =
            opens == Some(usize::from(n)) && !order.iter().any(|a| matches!(a, Clear(_)));
        for coalition in problem.deviating() {
            let found = deviate(&problem, coalition);
            if is_caught(&found) && !found.is_open() {
                assert!(bound(&order, coalition), "{name}, {coalition:?}: {order:?}");
                caught += 1;
            }
            if all_first {
                let ends = matches!(found.effect, Effect::Caught { .. } | Effect::Harmless);
                assert!(
                    ends && found.leak.is_none(),
                    "{name}, {coalition:?}: {order:?}: {found:?}"
                );
                first += 1;
            }
        }
    }
    (caught, first)
}

/// Who opens a seed before another one is bound to its own lets that one choose the coin. What is caught is never such a one, and
/// what is bound before anything is opened is caught.
#[test]
fn who_is_bound_last_has_not_seen_all_others() {
    let (caught, first) = tossed(SPDZ, "spdz", 2, &[("n", 2)]);
    assert!(first > 0 && caught >= first, "{caught} {first}");
    let (caught, first) = tossed(SACRIFICE, "rep3_malicious", 3, &[]);
    assert!(first > 0 && caught >= first, "{caught} {first}");
}

/// With one corrupt party of two, a chance of 2^-1 is not caught.
#[test]
fn a_large_chance_is_not_called_caught() {
    for (p, open) in [(3, true), ((1 << 61) - 1, false)] {
        let bound = super::standard::bind("spdz", &[("n", 2), ("p", p)]);
        let problem = titled(&bound, "reveal to all");
        for coalition in problem.deviating() {
            let found = deviate(&problem, coalition);
            assert!(is_caught(&found), "{found:?}");
            assert_eq!(found.is_open(), open, "{found:?}");
            assert_eq!(found.severity() > 1, open);
            assert_eq!(
                found.word().starts_with("unknown"),
                open,
                "{}",
                found.word()
            );
        }
    }
}
