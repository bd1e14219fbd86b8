//! All protocols of some schemes, cut into questions that share nothing and can be answered side by side.
//!
//! What is known of callees is the same for all protocols of a scheme and one coalition, so these are one
//! question.

use crate::active::{Active, deviate};
use crate::correct::{Honest, Tables, correctness_with};
use crate::eliminate::Proofs;
use crate::endpoints::Endpoints;
use crate::problem::{Malformed, Problem};
use crate::reliance::rely;
use crate::report::{Report, Secrecy, report, secrecy};
use crate::scheme::Row;
use crate::verdict::Limits;
use smpc_ir::party::PartySet;
use std::collections::{BTreeMap, HashMap};

/// A protocol by its title, and the same in small rings.
pub type Subject = (String, Problem, Vec<Problem>);

/// Random runs of a text at another width than the backend's are so many times fewer: most of its steps are those that run there.
const FEWER: u64 = 16;

/// The protocols of some schemes, and the questions about them.
#[derive(Debug)]
pub struct Work<'e> {
    schemes: Vec<Vec<Subject>>,
    limits: Limits,
    questions: Vec<Question>,
    tables: Tables,
    endpoints: Option<&'e dyn Endpoints>,
}

/// Which protocol, of which scheme.
type Place = (usize, usize);

#[derive(Clone, Copy, Debug)]
enum Question {
    /// Whether a result is right.
    Correct(Place),
    /// What a coalition learns, in all protocols of a scheme.
    Secret(usize, PartySet),
    /// What a coalition can do that deviates.
    Active(Place, PartySet),
}

/// What was found out about one question.
#[derive(Debug)]
pub struct Answer(Found);

#[derive(Debug)]
enum Found {
    Correct(Place, Result<Honest, Malformed>),
    Secret(usize, PartySet, Vec<(usize, Result<Secrecy, Malformed>)>),
    Active(Place, Active),
}

impl<'e> Work<'e> {
    /// What there is to find out about some schemes; what takes longest comes first.
    pub fn new(schemes: Vec<Vec<Subject>>, limits: &Limits) -> Self {
        let mut questions: Vec<(u64, Question)> = Vec::new();
        for (scheme, subjects) in schemes.iter().enumerate() {
            let mut coalitions: Vec<(PartySet, u64)> = Vec::new();
            for (row, (_, problem, _)) in subjects.iter().enumerate() {
                let place = (scheme, row);
                let steps = problem.flat.steps.len() as u64;
                questions.push((steps * (limits.runs / 64), Question::Correct(place)));
                for coalition in problem.deviating() {
                    questions.push((steps * steps * 100, Question::Active(place, coalition)));
                }
                for coalition in problem.coalitions() {
                    let effort = steps * 1_000;
                    match coalitions.iter_mut().find(|(known, _)| *known == coalition) {
                        Some((_, sum)) => *sum += effort,
                        None => coalitions.push((coalition, effort)),
                    }
                }
            }
            let all = coalitions.into_iter();
            questions.extend(all.map(|(set, effort)| (effort, Question::Secret(scheme, set))));
        }
        questions.sort_by_key(|(effort, _)| std::cmp::Reverse(*effort));
        Self {
            schemes,
            limits: *limits,
            questions: questions
                .into_iter()
                .map(|(_, question)| question)
                .collect(),
            tables: Tables::default(),
            endpoints: None,
        }
    }

    /// With random runs at full width through these endpoints, not by the prover's own machine.
    pub fn through(self, endpoints: &'e dyn Endpoints) -> Self {
        Self {
            endpoints: Some(endpoints),
            ..self
        }
    }

    /// How many questions there are.
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// The question of this number, for people.
    pub fn describe(&self, question: usize) -> String {
        let at = |(scheme, row): Place| {
            let (title, problem, _) = &self.schemes[scheme][row];
            format!("{title} ({} steps) of {scheme}", problem.flat.steps.len())
        };
        match self.questions.get(question) {
            Some(Question::Correct(place)) => format!("correct, {}", at(*place)),
            Some(Question::Active(place, set)) => format!("{set:?} deviating, {}", at(*place)),
            Some(Question::Secret(scheme, set)) => format!("{set:?} learns, all of {scheme}"),
            None => String::new(),
        }
    }

    /// Answers the question of this number, whatever the others; `None` if there is none.
    pub fn answer(&self, question: usize) -> Option<Answer> {
        let subject = |(scheme, row): Place| &self.schemes[scheme][row];
        let question = *self.questions.get(question)?;
        let found = match question {
            Question::Correct(place) => {
                let (_, problem, small) = subject(place);
                let mut limits = self.limits;
                if problem.elsewhere.is_some() {
                    limits.runs = limits.runs.div_ceil(FEWER);
                }
                let found = correctness_with(problem, small, &limits, self.endpoints, &self.tables);
                Found::Correct(place, found)
            }
            Question::Active(place, coalition) => {
                Found::Active(place, deviate(&subject(place).1, coalition))
            }
            Question::Secret(scheme, coalition) => {
                let mut proofs = Proofs::default();
                let mut all = Vec::new();
                for (row, (_, problem, small)) in self.schemes[scheme].iter().enumerate() {
                    if problem.coalitions().contains(&coalition) {
                        let found = secrecy(problem, small, coalition, &self.limits, &mut proofs);
                        all.push((row, found));
                    }
                }
                Found::Secret(scheme, coalition, all)
            }
        };
        Some(Answer(found))
    }

    /// The rows of each scheme, in the order given, from the answers to all questions in any order.
    ///
    /// # Errors
    /// For a scheme with a protocol whose text breaks the rules of flat protocols.
    pub fn rows(self, answers: Vec<Answer>) -> Vec<Result<Vec<Row>, Malformed>> {
        let mut correct: HashMap<Place, Result<Honest, Malformed>> = HashMap::new();
        let mut secret: HashMap<Place, BTreeMap<PartySet, Result<Secrecy, Malformed>>> =
            HashMap::new();
        let mut active: HashMap<Place, BTreeMap<PartySet, Active>> = HashMap::new();
        for Answer(found) in answers {
            match found {
                Found::Correct(place, found) => {
                    correct.insert(place, found);
                }
                Found::Secret(scheme, coalition, all) => {
                    for (row, found) in all {
                        let of_row = secret.entry((scheme, row)).or_default();
                        of_row.insert(coalition, found);
                    }
                }
                Found::Active(place, found) => {
                    active
                        .entry(place)
                        .or_default()
                        .insert(found.coalition, found);
                }
            }
        }
        let mut row = |place: Place, problem: &Problem| -> Result<Report, Malformed> {
            let missing = || Malformed("a question without an answer".to_owned());
            let correct = correct.remove(&place).ok_or_else(missing)??;
            let mut of_row = secret.remove(&place).unwrap_or_default();
            let mut secrets = Vec::new();
            for coalition in problem.coalitions() {
                secrets.push((coalition, of_row.remove(&coalition).ok_or_else(missing)??));
            }
            let mut of_row = active.remove(&place).unwrap_or_default();
            let deviating = problem.deviating().into_iter();
            let deviating: Vec<Active> = deviating.filter_map(|set| of_row.remove(&set)).collect();
            Ok(report(problem, correct, secrets, deviating))
        };
        let schemes = self.schemes.into_iter().enumerate();
        let limits = self.limits;
        let found = schemes.map(|(scheme, subjects)| {
            let (mut rows, mut rings) = (Vec::new(), Vec::new());
            for (at, (title, problem, small)) in subjects.into_iter().enumerate() {
                match row((scheme, at), &problem) {
                    Ok(report) => rows.push((title, report, problem)),
                    Err(Malformed(text)) => return Err(Malformed(format!("{title}: {text}"))),
                }
                rings.push(small);
            }
            rely(&mut rows, &rings, &limits)?;
            Ok(rows)
        });
        found.collect()
    }
}

/// All questions about the protocols of one scheme, one after the other.
///
/// # Errors
/// A protocol whose text breaks the rules of flat protocols.
pub fn verify_problems(all: Vec<Subject>, limits: &Limits) -> Result<Vec<Row>, Malformed> {
    let work = Work::new(vec![all], limits);
    let answers = (0..work.questions())
        .filter_map(|at| work.answer(at))
        .collect();
    work.rows(answers).pop().unwrap_or_else(|| Ok(Vec::new()))
}
