//! What is learned from real data under secret sharing is as good as what is learned in the clear.

use std::collections::BTreeMap;

use smpc_ir::share::Program;
use smpc_tests::case::{Case, Given};
use smpc_tests::folder::{files, inputs};
use smpc_tests::pipeline::{Answers, Start, checked, start};
use smpc_tests::run::{Backend, run};

/// An example's program and what it starts from.
fn prepared(text: &str, folder: &std::path::Path) -> (Program, Start) {
    let program = checked(text, &files(folder)).expect("the example checks");
    let start = start(&program, &inputs(folder, &program)).expect("its inputs");
    (program, start)
}

fn answers(program: &Program, start: &Start, name: &str, args: &[(&str, i128)]) -> Answers {
    let bound = Backend::new(name, args).bind().expect("the backend binds");
    run(program, start, &bound, 1).expect("it runs").answers
}

#[test]
fn breast_cancer() {
    let (text, folder) = smpc_tests::example("breast_cancer");
    let (program, start) = prepared(&text, &folder);
    let plain = answers(&program, &start, "plain", &[]);
    assert_eq!(plain["weights"].len(), 30);
    for (name, args) in [
        ("rep3", &[][..]),
        ("additive", &[("n", 2)]),
        ("additive", &[("n", 3)]),
        ("additive", &[("n", 5)]),
    ] {
        let secret = answers(&program, &start, name, args);
        // The plaintext in double precision has .982, 112 of 114.
        let accuracy = secret["accuracy"][0];
        assert!(accuracy >= 0.973, "{name} {args:?}: {accuracy}");
        for (w, p) in secret["weights"].iter().zip(&plain["weights"]) {
            let off = (w - p).abs();
            assert!(
                off < 2f64.powi(-8),
                "{name} {args:?}: {w}, in the clear {p}"
            );
        }
    }
}

/// One patient of `genomic`: whether the prognosis is poor, and the genes.
struct Patient {
    poor: bool,
    genes: Vec<f64>,
}

/// Patients in the order of the data set.
fn patients() -> (String, Vec<Patient>) {
    let (text, folder) = smpc_tests::example("genomic");
    let (program, _) = prepared(&text, &folder);
    let case = inputs(&folder, &program);
    let mut list = Vec::new();
    for clinic in 0..3 {
        let party = format!("clinic[{clinic}]");
        let of = |file: &str| {
            let mut given = case.given.iter();
            given
                .find(|g| g.party == party && g.file == file)
                .expect("the file")
        };
        let (x, y) = (of("x"), of("y"));
        for (row, poor) in x.values.chunks(x.shape[1]).zip(&y.values) {
            let number = |word: &String| word.parse::<f64>().expect("a number");
            list.push(Patient {
                poor: poor == "1",
                genes: row.iter().map(number).collect(),
            });
        }
    }
    (text, list)
}

/// How many of all patients are classified rightly by weights learned from the other four folds.
fn right_in_five_folds(text: &str, patients: &[Patient]) -> usize {
    // A patient's fold is its place within its class, modulo 5.
    let mut seen = BTreeMap::new();
    let folds: Vec<usize> = patients
        .iter()
        .map(|p| {
            let at = seen.entry(p.poor).or_insert(0);
            *at += 1;
            (*at - 1) % 5
        })
        .collect();
    let mut right = 0;
    for fold in 0..5 {
        let of = |test: bool| {
            let pairs = patients.iter().zip(&folds);
            pairs
                .filter(move |(_, f)| (**f == fold) == test)
                .map(|(p, _)| p)
        };
        let train: Vec<&Patient> = of(false).collect();
        let (mean, deviation) = moments(&train);
        let standard = |p: &Patient| -> Vec<f64> {
            let columns = p.genes.iter().zip(mean.iter().zip(&deviation));
            columns.map(|(x, (m, s))| (x - m) / s).collect()
        };
        let weights = learned(text, &train, &standard);
        for patient in of(true) {
            let terms = standard(patient).into_iter().zip(&weights);
            let sum: f64 = terms.map(|(x, w)| x * w).sum();
            right += usize::from((sum > 0.0) == patient.poor);
        }
    }
    right
}

/// Mean and standard deviation of each gene.
fn moments(rows: &[&Patient]) -> (Vec<f64>, Vec<f64>) {
    let n = rows.len() as f64;
    let genes = 0..rows[0].genes.len();
    let mean: Vec<f64> = genes
        .clone()
        .map(|j| rows.iter().map(|p| p.genes[j]).sum::<f64>() / n)
        .collect();
    let deviation = genes
        .map(|j| {
            let squares = rows.iter().map(|p| (p.genes[j] - mean[j]).powi(2));
            (squares.sum::<f64>() / n).sqrt()
        })
        .collect();
    (mean, deviation)
}

/// The weights that three clinics with a third of the rows each learn under `rep3`.
fn learned(text: &str, rows: &[&Patient], standard: &dyn Fn(&Patient) -> Vec<f64>) -> Vec<f64> {
    let third = rows.len().div_ceil(3);
    let (_, folder) = smpc_tests::example("genomic");
    let program = checked(text, &files(&folder)).expect("the script checks");
    let mut case = Case::default();
    for input in &program.inputs {
        let party = &program.parties[usize::from(input.party)];
        let clinic: usize = match party.as_str() {
            "clinic[0]" => 0,
            "clinic[1]" => 1,
            _ => 2,
        };
        let part = &rows[clinic * third..rows.len().min((clinic + 1) * third)];
        let (shape, values) = match input.file.as_str() {
            "x" => {
                let words = part
                    .iter()
                    .flat_map(|p| standard(p))
                    .map(|v| format!("{v:.9}"));
                (vec![part.len(), rows[0].genes.len()], words.collect())
            }
            _ => {
                let words = part.iter().map(|p| u8::from(p.poor).to_string());
                (vec![part.len()], words.collect())
            }
        };
        case.given.push(Given {
            party: party.clone(),
            file: input.file.clone(),
            column: None,
            shape,
            values,
        });
    }
    let start = start(&program, &case).expect("inputs");
    answers(&program, &start, "rep3", &[])
        .remove("weights")
        .expect("weights")
}

/// The plaintext in double precision has .774, 130 of 168.
#[test]
fn genomic_with_class_weights() {
    let (text, patients) = patients();
    let accuracy = right_in_five_folds(&text, &patients) as f64 / patients.len() as f64;
    assert!((accuracy - 0.774).abs() <= 0.02, "{accuracy}");
}

/// The plaintext in double precision has .798, 134 of 168.
#[test]
fn genomic_without_class_weights() {
    let (text, patients) = patients();
    let weighted = "let weight = wn + (wp - wn) * y;";
    assert!(
        text.contains(weighted),
        "the example no longer says `{weighted}`"
    );
    let text = text.replace(weighted, "let weight = ones(n) * 1.0;");
    let accuracy = right_in_five_folds(&text, &patients) as f64 / patients.len() as f64;
    assert!((accuracy - 0.798).abs() <= 0.02, "{accuracy}");
}
