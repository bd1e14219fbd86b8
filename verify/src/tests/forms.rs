//! Which forms of a protocol are looked at: owners, indices, numbers, and who knows an operand.

use super::active::own;
use super::declared::{PAIR, judged};
use crate::*;

/// The verdicts on a protocol of two parties with summands: for each form its title, and whether it is private.
fn private(text: &str) -> Vec<(String, &'static str)> {
    let bound = own(&format!("{PAIR}\n{text}"), &[]);
    let rows = problems(&bound, &[]).into_iter();
    let rows = rows.filter(|(title, ..)| title.starts_with("p<") || title == "p");
    rows.map(|(title, problem, _)| {
        let report = judged(&problem);
        let word = report.private().map_or("-", |(_, verdict)| verdict.word());
        (title, word)
    })
    .collect()
}

#[test]
fn the_owner_of_a_list_is_the_owner_of_its_elements() {
    for body in [
        "P[0] -> P[1]: x; z.[1] = x; z.[0] = x - x;",
        "let r <- R @ P[0]; P[0] -> P[1]: r; z.[1] = r; z.[0] = x - r;",
    ] {
        let told = body.starts_with("P[0]");
        for operand in ["x: [R; m] @ P[0]", "x: [R @ P[0]; m]"] {
            let text = format!(
                "protocol p<m>({operand}) -> z: [Pair<R>; m] ensures z == x private {{ {body} }}"
            );
            let found = private(&text);
            let [(_, word)] = found.as_slice() else {
                panic!("{found:?}");
            };
            assert_eq!(*word == "LEAKS", told, "{text}: {word}");
        }
    }
    // Nobody but P[0] can take x where it is not sent.
    let unsent = "protocol p<m>(x: [R; m] @ P[0]) -> z: [Pair<R>; m] ensures z == x private { z.[1] = x; z.[0] = x - x; }";
    let found = private(unsent);
    assert!(
        found.iter().all(|(_, word)| *word == "unknown"),
        "{found:?}"
    );
}

#[test]
fn two_owners_are_two_parties() {
    let found = private(
        "protocol p<D: party, E: party>(x: R @ D, y: R @ E) -> z: Pair<R> ensures z == x + y
         private { D -> E: x; let r <- R @ {E, P[1]}; let u = x + y - r; E -> P[0]: u; z[0] = u; z[1] = r; }",
    );
    let word = |title: &str| found.iter().find(|row| row.0 == title).map(|row| row.1);
    assert_eq!(word("p<P[0], P[1]>"), Some("LEAKS"), "{found:?}");
    assert_eq!(word("p<P[0], P[0]>"), Some("proved"), "{found:?}");
    assert_eq!(word("p<P[1], P[0]>"), Some("LEAKS"), "{found:?}");
    // Two owners outside of the scheme cannot be told apart here: that is said.
    assert_eq!(word("p<…>"), Some("unknown"), "{found:?}");
}

#[test]
fn a_number_that_is_no_index_may_be_any() {
    let number = "(x: R @ P[0]) -> z: Pair<R> ensures z == x
        private { let m = j * (j - 1) * x; P[0] -> P[1]: m; z[1] = m; z[0] = x - m; }";
    for generics in ["j", "j: int"] {
        let found = private(&format!("protocol p<{generics}>{number}"));
        let word = |title: &str| found.iter().find(|row| row.0 == title).map(|row| row.1);
        assert_eq!(word("p<0>"), Some("proved"), "{found:?}");
        assert_eq!(word("p<1>"), Some("proved"), "{found:?}");
        assert_eq!(word("p<…>"), Some("unknown"), "{found:?}");
    }
    let index = private(
        "protocol p<j>(x: R @ P[j]) -> z: Pair<R> ensures z == x
         private { z[j+1] <- R @ P; z[j] = x - z[j+1]; }",
    );
    let titles: Vec<&str> = index.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(titles, ["p<0>", "p<1>"]);
}
