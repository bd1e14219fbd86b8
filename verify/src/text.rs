//! Certificates as text: written for readers, and read back to be checked again.
//!
//! A file names what it is about, then has one block per protocol and coalition. Proofs of callees
//! come first, numbered, and boxes refer to them. What stands behind `#` is for readers only: the check makes the replacements itself.

use crate::certificate::{
    Assumption, Boxed, CalleeProof, Certificate, Element, Elimination, Goal, Known, Name, Range,
    Valued,
};
use smpc_ir::party::{Party, PartySet};
use std::fmt::Write;
use std::sync::Arc;

/// The first line of a file.
const HEADER: &str = "smpc certificates 2";

/// The certificates of one protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The protocol's title in its scheme.
    pub title: String,
    /// One per coalition and goal.
    pub certificates: Vec<Certificate>,
}

/// A file of certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The backend's name or file.
    pub scheme: String,
    /// The number of computing parties.
    pub parties: usize,
    /// What is proved.
    pub subjects: Vec<Subject>,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: expected {}", self.line, self.expected)
    }
}

impl std::error::Error for Unreadable {}

impl File {
    /// The text of the file.
    pub fn write(&self) -> String {
        let mut callees: Vec<Arc<CalleeProof>> = Vec::new();
        let mut body = String::new();
        for subject in &self.subjects {
            let _ = writeln!(body, "protocol {}", subject.title);
            for certificate in &subject.certificates {
                block(certificate, &mut callees, &mut body);
            }
        }
        // Writing a callee may number further ones, which must stand before it.
        let mut written = String::new();
        let mut order = Vec::new();
        for at in 0..callees.len() {
            place(at, &mut callees, &mut order);
        }
        for at in order {
            let proof = callees[at].clone();
            let _ = writeln!(written, "callee {at}");
            block(&proof.privacy, &mut callees, &mut written);
            block(&proof.freshness, &mut callees, &mut written);
            if let Some(values) = &proof.values {
                block(values, &mut callees, &mut written);
            }
        }
        format!(
            "{HEADER}\nscheme {}\nparties {}\n{written}{body}",
            self.scheme, self.parties
        )
    }

    /// Reads a file back. Nothing is believed of it: see [`crate::check`].
    ///
    /// # Errors
    /// The first line that is not as [`File::write`] writes it.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let mut file = Self::default();
        let mut callees: Vec<(usize, Vec<Certificate>)> = Vec::new();
        let mut proofs: Vec<(usize, Arc<CalleeProof>)> = Vec::new();
        let mut in_callee = false;
        let mut lines = 0;
        for (number, line) in text.lines().enumerate() {
            let fail = |expected| Unreadable {
                line: number + 1,
                expected,
            };
            lines = number + 1;
            let line = line.split(" # ").next().unwrap_or_default().trim_end();
            if number == 0 {
                if line != HEADER {
                    return Err(fail("`smpc certificates 2`"));
                }
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "scheme" => file.scheme = rest.to_owned(),
                "parties" => {
                    file.parties = rest.parse().map_err(|_| fail("a number of parties"))?;
                }
                "callee" => {
                    settle(&mut callees, &mut proofs);
                    let at = rest.parse().map_err(|_| fail("a number"))?;
                    callees.push((at, Vec::new()));
                    in_callee = true;
                }
                "protocol" => {
                    settle(&mut callees, &mut proofs);
                    in_callee = false;
                    file.subjects.push(Subject {
                        title: rest.to_owned(),
                        certificates: Vec::new(),
                    });
                }
                "certificate" => {
                    let certificate = head(rest).ok_or_else(|| fail("a coalition and a goal"))?;
                    let list = match (in_callee, callees.last_mut(), file.subjects.last_mut()) {
                        (true, Some((_, list)), _) => list,
                        (false, _, Some(subject)) => &mut subject.certificates,
                        _ => return Err(fail("a protocol first")),
                    };
                    list.push(certificate);
                }
                "" => {}
                _ => {
                    let certificate = match (in_callee, callees.last_mut(), &mut file.subjects) {
                        (true, Some((_, list)), _) => list.last_mut(),
                        (false, _, subjects) => {
                            subjects.last_mut().and_then(|s| s.certificates.last_mut())
                        }
                        _ => None,
                    };
                    let certificate = certificate.ok_or_else(|| fail("a certificate first"))?;
                    if word == "box" {
                        let boxed = ideal(rest, &proofs).ok_or_else(|| fail("a box"))?;
                        certificate.boxes.push(boxed);
                    } else if word == "known" {
                        let known = no_news(rest).ok_or_else(|| fail("a message and values"))?;
                        certificate.known.push(known);
                    } else if word == "range" {
                        let range =
                            range(rest).ok_or_else(|| fail("bits, a message and a coin"))?;
                        certificate.ranges.push(range);
                    } else {
                        let step = elimination(line).ok_or_else(|| fail("a substitution"))?;
                        certificate.steps.push(step);
                    }
                }
            }
        }
        // A file that ends before it says what it is about.
        let missing = match (lines, file.scheme.is_empty(), file.parties) {
            (0, ..) => Some("`smpc certificates 2`"),
            (_, true, _) => Some("`scheme`, with a name"),
            (_, _, 0) => Some("`parties`, with a number"),
            _ => None,
        };
        missing.map_or(Ok(file), |expected| {
            Err(Unreadable {
                line: lines + 1,
                expected,
            })
        })
    }
}

/// Orders callees so that each comes after those it refers to.
fn place(at: usize, callees: &mut Vec<Arc<CalleeProof>>, order: &mut Vec<usize>) {
    if order.contains(&at) {
        return;
    }
    let proof = callees[at].clone();
    let values = proof.values.iter().flat_map(|values| &values.boxes);
    let boxes = proof.privacy.boxes.iter().chain(&proof.freshness.boxes);
    for boxed in boxes.chain(values) {
        let inner = position(&boxed.proof, callees);
        place(inner, callees, order);
    }
    order.push(at);
}

fn position(proof: &Arc<CalleeProof>, callees: &mut Vec<Arc<CalleeProof>>) -> usize {
    let known = callees
        .iter()
        .position(|known| Arc::ptr_eq(known, proof) || known == proof);
    known.unwrap_or_else(|| {
        callees.push(proof.clone());
        callees.len() - 1
    })
}

/// A callee whose certificates are read, two or three, becomes a proof.
fn settle(
    callees: &mut Vec<(usize, Vec<Certificate>)>,
    proofs: &mut Vec<(usize, Arc<CalleeProof>)>,
) {
    while let Some((at, list)) = callees.pop() {
        let mut list = list.into_iter();
        if let (Some(privacy), Some(freshness), values, None) =
            (list.next(), list.next(), list.next(), list.next())
        {
            let proof = CalleeProof {
                privacy,
                freshness,
                values,
            };
            proofs.push((at, Arc::new(proof)));
        }
    }
}

fn numbers(set: PartySet) -> String {
    let list: Vec<String> = set.iter().map(|p| p.0.to_string()).collect();
    list.join(",")
}

fn block(certificate: &Certificate, callees: &mut Vec<Arc<CalleeProof>>, text: &mut String) {
    let assume = match certificate.assume {
        Assumption::AnySharing => "any",
        Assumption::Fresh => "fresh",
    };
    let goal = match &certificate.goal {
        Goal::Privacy => "privacy".to_owned(),
        Goal::Results => "results".to_owned(),
        Goal::Values => "values".to_owned(),
        Goal::Order { coin } => format!("order {coin}"),
        Goal::Freshness { result, required } => {
            let required: String = required.iter().map(|at| format!(" {at}")).collect();
            format!("freshness {result}{required}")
        }
    };
    let coalition = numbers(certificate.coalition);
    let _ = writeln!(text, "certificate {coalition} {assume} {goal}");
    for boxed in &certificate.boxes {
        let value = match boxed.value {
            Valued::Polynomial => "polynomial",
            Valued::Unknown => "unknown",
            Valued::Operands => "operands",
        };
        let at = position(&boxed.proof, callees);
        let _ = writeln!(text, "box {} {value} {at}", boxed.call);
    }
    for known in &certificate.known {
        let by = known.by.iter();
        let by: String = by.map(|(id, factor)| format!(" {id} {factor}")).collect();
        let _ = writeln!(text, "known {}{by}", known.step);
    }
    for step in &certificate.steps {
        let by = substituted(step.element, step.coin);
        let _ = writeln!(text, "{by} # {} := {}", step.coin, step.text);
    }
    for range in &certificate.ranges {
        let by = substituted(range.element, range.coin);
        let _ = writeln!(text, "range {} {by}", range.bits);
    }
}

/// An element and the coin that hides it.
fn substituted(element: Element, coin: Name) -> String {
    let coin = match coin {
        Name::Value { param } => format!("value {param}"),
        Name::Component { param, component } => format!("component {param} {component}"),
        Name::Coin { step } => format!("coin {step}"),
        Name::Output { call, component } => format!("output {call} {component}"),
        Name::Noise { call } => format!("noise {call}"),
        Name::Above { param } => format!("above {param}"),
        Name::Beyond { result } => format!("beyond {result}"),
        Name::Key { key } => format!("key {key}"),
        Name::Result => "result".to_owned(),
        Name::Uniform { number } => format!("uniform {number}"),
    };
    match element {
        Element::Message { step } => format!("message {step} by {coin}"),
        Element::Component { result, component } => {
            format!("component {result} {component} by {coin}")
        }
        Element::Value { result } => format!("value {result} by {coin}"),
    }
}

fn head(text: &str) -> Option<Certificate> {
    let words: Vec<&str> = text.split(' ').collect();
    let (coalition, assume, goal) = match words.as_slice() {
        [coalition, assume, goal @ ..] => (coalition, assume, goal),
        _ => return None,
    };
    let mut set = PartySet::EMPTY;
    for party in coalition.split(',') {
        // A set has at most 128 members.
        let party = party.parse::<u8>().ok().filter(|p| *p < 128)?;
        set = set.union(PartySet::from_iter([Party(party)]));
    }
    let assume = match *assume {
        "any" => Assumption::AnySharing,
        "fresh" => Assumption::Fresh,
        _ => return None,
    };
    let goal = match goal {
        ["privacy"] => Goal::Privacy,
        ["results"] => Goal::Results,
        ["values"] => Goal::Values,
        ["order", coin] => Goal::Order {
            coin: coin.parse().ok()?,
        },
        ["freshness", result, required @ ..] => Goal::Freshness {
            result: result.parse().ok()?,
            required: required
                .iter()
                .map(|at| at.parse().ok())
                .collect::<Option<Vec<u32>>>()?,
        },
        _ => return None,
    };
    Some(Certificate {
        coalition: set,
        assume,
        goal,
        boxes: Vec::new(),
        known: Vec::new(),
        steps: Vec::new(),
        ranges: Vec::new(),
    })
}

fn range(text: &str) -> Option<Range> {
    let (bits, by) = text.split_once(' ')?;
    let Elimination { element, coin, .. } = elimination(by)?;
    Some(Range {
        element,
        coin,
        bits: bits.parse().ok()?,
    })
}

fn no_news(text: &str) -> Option<Known> {
    let mut words = text.split(' ');
    let step = words.next()?.parse().ok()?;
    let mut by = Vec::new();
    while let Some(id) = words.next() {
        by.push((id.parse().ok()?, words.next()?.parse().ok()?));
    }
    Some(Known { step, by })
}

fn ideal(text: &str, proofs: &[(usize, Arc<CalleeProof>)]) -> Option<Boxed> {
    let words: Vec<&str> = text.split(' ').collect();
    let [call, value, callee] = words.as_slice() else {
        return None;
    };
    let callee: usize = callee.parse().ok()?;
    Some(Boxed {
        call: call.parse().ok()?,
        value: match *value {
            "polynomial" => Valued::Polynomial,
            "unknown" => Valued::Unknown,
            "operands" => Valued::Operands,
            _ => return None,
        },
        proof: proofs.iter().find(|(at, _)| *at == callee)?.1.clone(),
    })
}

fn elimination(line: &str) -> Option<Elimination> {
    let (element, coin) = line.split_once(" by ")?;
    let element: Vec<&str> = element.split(' ').collect();
    let element = match element.as_slice() {
        ["message", step] => Element::Message {
            step: step.parse().ok()?,
        },
        ["component", result, component] => Element::Component {
            result: result.parse().ok()?,
            component: component.parse().ok()?,
        },
        ["value", result] => Element::Value {
            result: result.parse().ok()?,
        },
        _ => return None,
    };
    let coin: Vec<&str> = coin.split(' ').collect();
    let coin = match coin.as_slice() {
        ["value", param] => Name::Value {
            param: param.parse().ok()?,
        },
        ["component", param, component] => Name::Component {
            param: param.parse().ok()?,
            component: component.parse().ok()?,
        },
        ["coin", step] => Name::Coin {
            step: step.parse().ok()?,
        },
        ["output", call, component] => Name::Output {
            call: call.parse().ok()?,
            component: component.parse().ok()?,
        },
        ["noise", call] => Name::Noise {
            call: call.parse().ok()?,
        },
        ["beyond", result] => Name::Beyond {
            result: result.parse().ok()?,
        },
        ["above", param] => Name::Above {
            param: param.parse().ok()?,
        },
        ["key", key] => Name::Key {
            key: key.parse().ok()?,
        },
        ["result"] => Name::Result,
        ["uniform", number] => Name::Uniform {
            number: number.parse().ok()?,
        },
        _ => return None,
    };
    Some(Elimination {
        element,
        coin,
        text: String::new(),
    })
}
