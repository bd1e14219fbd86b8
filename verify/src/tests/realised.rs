//! Protocols that stand in for functionalities.

use super::active::{own, titled};
use super::literature;
use super::standard::bind;
use crate::*;

const LIMITS: Limits = Limits {
    assignments: 1 << 10,
    runs: 100,
    samples: 100,
};

fn verdict(problem: &Problem) -> Verdict {
    correctness(problem, &[], &LIMITS).unwrap()
}

/// Every protocol of the library that says it realises a functionality of its file gives what that gives.
#[test]
fn what_the_library_deals_is_what_functionalities_give() {
    let mut shown = 0;
    for (name, args) in [
        ("additive", vec![("n", 2)]),
        ("additive", vec![("n", 7)]),
        ("gmw", vec![("n", 3)]),
        ("aby", vec![]),
        ("securenn", vec![]),
        ("shamir", vec![("n", 5)]),
        ("spdz", vec![("n", 3)]),
        ("spdz2k", vec![("n", 2)]),
        ("rep3_malicious", vec![]),
        ("rep3_malicious_ring", vec![]),
    ] {
        for (title, problem, _) in problems(&bind(name, &args), &[]) {
            if let Some(realised) = &problem.realises {
                let found = verdict(&problem);
                let proved = Verdict::Proved { certificate: None };
                assert_eq!(found, proved, "{name}, {title}: {}", realised.name);
                shown += 1;
            }
        }
    }
    assert!(shown > 30, "{shown}");
}

/// A scheme of two with a dealer, the functionality's body and that of the protocol that realises it.
fn dealt(functionality: &str, protocol: &str) -> Verdict {
    let text = format!(
        "backend mine(k: int = 64) {{ int, fix<f>: A<Z[2^k]>; bool, bits<m>: A<Bits[m]>; }}\n\
         scheme A<R: Ring> {{ parties P[2]; dealer T; corrupt 1 of P semihonest; corrupt T semihonest;\n\
         share x = x[0] + x[1]; P[i] holds x[i]; }}\n\
         protocol share<D: party>(v: R @ D) -> x: A<R> ensures x == v private {{\n\
         x[1] <- R @ {{D, P[1]}}; x[0] = v - x[1]; D -> P[0]: x[0]; }}\n\
         offline functionality triple() -> a, b, c: A<R> bilinear {{ {functionality} }}\n\
         offline protocol deal() -> a, b, c: A<R> realises triple bilinear {{ {protocol} }}\n"
    );
    verdict(&titled(&own(&text, &[]), "deal"))
}

const TRIPLE: &str = "let u, v <- R; a = share(u); b = share(v); c = share(u * v);";
const DEAL: &str = "for each P[i] { a[i], b[i] <- R @ {T, P[i]}; } c[1] <- R @ {T, P[1]};\n\
                    c[0] = (a[0] + a[1]) * (b[0] + b[1]) - c[1]; T -> P[0]: c[0];";

#[test]
fn another_product_is_wrong() {
    assert_eq!(dealt(TRIPLE, DEAL).word(), "proved");
    let wrong = TRIPLE.replace("u * v", "u * v + u * v");
    let wrong = wrong.as_str();
    let Verdict::Wrong(found) = dealt(wrong, DEAL) else {
        panic!("{:?}", dealt(wrong, DEAL));
    };
    let [a, b, c] = found.got[..] else {
        panic!("{found:?}");
    };
    let low = |word: u128| word & u128::from(u64::MAX);
    assert_eq!(low(a.wrapping_mul(b)), low(c), "what the protocol gave");
    assert!(found.what.contains("third"), "{}", found.what);
    // What is no bilinear map of its factors is none that a bilinear protocol realises.
    let Verdict::Unknown { reason } = dealt(&TRIPLE.replace("u * v", "u * v + u"), DEAL) else {
        panic!("a summand of another shape");
    };
    assert!(reason.contains("not bilinear"), "{reason}");
    // One more in the protocol, for all and at full width only.
    for more in ["1", "2^63"] {
        let other = DEAL.replace("- c[1]", &format!("- c[1] + {more}"));
        assert_eq!(dealt(TRIPLE, &other).word(), "WRONG", "{more}");
    }
}

#[test]
fn values_of_another_distribution_are_not_shown() {
    // Bits of the functionality, and numbers of the protocol.
    let bits = "let u, v <- Bits[1]; a = share(u as R); b = share(v as R); c = share(u as R);";
    assert_eq!(dealt(bits, DEAL).word(), "unknown");
    // Nothing drawn, half the ring, twice the same: the relation holds, and values are not uniform and independent.
    let zero = "a[0] = 0; a[1] = 0; for each P[i] { b[i] <- R @ {T, P[i]}; } c[0] = 0; c[1] = 0;";
    let even = DEAL.replace(
        "a[i], b[i] <- R @ {T, P[i]};",
        "let h[i] <- R @ {T, P[i]}; a[i] = 2 * h[i]; b[i] <- R @ {T, P[i]};",
    );
    let same = DEAL.replace(
        "a[i], b[i] <- R @ {T, P[i]};",
        "a[i] <- R @ {T, P[i]}; b[i] = a[i];",
    );
    for other in [zero, &even, &same] {
        let found = dealt(TRIPLE, other);
        assert!(
            matches!(found.word(), "unknown" | "WRONG"),
            "{other}: {found:?}"
        );
    }
}

#[test]
fn a_functionality_that_is_none_is_said() {
    let text = |name: &str| {
        format!(
            "backend mine(k: int = 64) {{ int: A<Z[2^k]>; }}\n\
             scheme A<R: Ring> {{ parties P[2]; corrupt 1 of P semihonest; share x = x[0] + x[1]; P[i] holds x[i]; }}\n\
             functionality drawn() -> r: R @ P {{ r <- R; }}\n\
             protocol toss() -> r: R @ P realises {name} {{ for each P[i] {{ let s[i] <- R @ P[i]; P[i] -> P: s[i]; }} r = s[0] + s[1]; }}\n"
        )
    };
    let found = |name: &str| verdict(&titled(&own(&text(name), &[]), "toss"));
    assert_eq!(found("drawn").word(), "proved");
    let Verdict::Unknown { reason } = found("nothing") else {
        panic!("{:?}", found("nothing"));
    };
    assert!(reason.contains("no functionality `nothing`"), "{reason}");
}

/// What a protocol says that it realises holds of it also where no operation of scripts takes it.
#[test]
fn an_operation_that_a_protocol_realises_is_a_claim() {
    for (clauses, body, word) in [
        ("realises x + y", "z = x + y;", "proved"),
        ("realises x * y", "z = x + y;", "WRONG"),
        ("realises 2 * x - y", "z = x + x - y;", "proved"),
        ("realises trunc(x * y, 3)", "z = x + y;", "unknown"),
        (
            "realises trunc(x * y, 3) ensures z == x + y",
            "z = x + y;",
            "proved",
        ),
        ("", "z = x + y;", "-"),
    ] {
        let text = literature::additive(&format!(
            "protocol p(x, y: A<Z[2^k]>) -> z: A<Z[2^k]> {clauses} private {{ {body} }}"
        ));
        let found = verdict(&titled(&literature::bind(&text, 2, 64), "p"));
        assert_eq!(found.word(), word, "{clauses} {{ {body} }}");
        if let Verdict::Unknown { reason } = found {
            assert!(reason.contains("`ensures` says"), "{reason}");
        }
    }
}
