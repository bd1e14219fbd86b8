//! `smpc approx`: what stands in place of a function, how far it is off, and what it costs.

use crate::Answer;
use crate::args::Approx;
use crate::pipeline;
use crate::problem::{Exit, Failure, Problem};
use serde_json::{Value, json};
use smpc_check::{Approximation, Found, approximation};
use smpc_driver::Binding;
use smpc_driver::load::{Loaded, load};
use smpc_grammar::Sources;
use smpc_grammar::ast::{self, ExprKind, ItemKind};
use smpc_ir::{Size, party};
use std::fmt::Write;
use std::path::Path;

/// Elements of a run whose cost is divided by their number.
const MANY: i128 = 1000;

/// Prints every `approx` of a file, with its neighbours; with `--svg` draws them.
///
/// # Errors
/// The file is broken, an approximation is not possible, or there is none.
pub fn approx(sources: &mut Sources, args: &Approx) -> Result<Answer, Failure> {
    let binding = args.script.binding.options();
    let loaded = load(sources, &args.script.file, &binding.base)?;
    if !loaded.errors.is_empty() {
        return Err(Failure::script(loaded.errors));
    }
    let mut text = String::new();
    let mut list = vec![];
    let mut drawn = vec![];
    let mut errors = vec![];
    for item in &loaded.module.items {
        let ItemKind::Approx(item) = &item.kind else {
            continue;
        };
        let found = match approximation(item) {
            Ok(found) => found,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let name = &found.name;
        let _ = writeln!(
            text,
            "{name}, on {} to {}",
            found.domain.low, found.domain.high
        );
        text.push_str("                      error  polynomial  rounding  rounds  bytes\n");
        let mut rows = vec![];
        let steps = [("cheaper", -1), ("chosen", 0), ("better", 1)];
        for (what, direction) in steps {
            let other;
            let shown = if direction == 0 {
                &found
            } else {
                match neighbour(item, &found, direction) {
                    Some(neighbour) => {
                        other = neighbour;
                        &other
                    }
                    None => continue,
                }
            };
            let (rounds, bytes) = cost(sources, &binding, shown)?;
            let budget = shown.found.budget();
            let _ = writeln!(
                text,
                "  {what:8} {:9} {:9.2e} {:11.2e} {:9.2e} {rounds:7} {bytes:6.0}",
                choice(&shown.found),
                budget.total(),
                budget.approximation,
                budget.coefficients + budget.evaluation
            );
            rows.push(json!({
                "choice": what,
                "polynomial": choice(&shown.found),
                "error": budget.total(),
                "of_polynomial": budget.approximation,
                "of_coefficients": budget.coefficients,
                "of_truncation": budget.evaluation,
                "rounds": rounds,
                "bytes": bytes,
            }));
        }
        list.push(json!({
            "name": name,
            "from": found.domain.low,
            "to": found.domain.high,
            "choices": rows,
        }));
        drawn.push(found);
    }
    if !errors.is_empty() {
        return Err(Failure::script(errors));
    }
    if drawn.is_empty() {
        let file = args.script.file.display().to_string();
        let problem = Problem::file("I15", "the file has no `approx`", file)
            .help("write `approx f(t: fix) = ... on a..b within e outside clamp;`");
        return Err(Failure::one(Exit::Usage, problem));
    }
    text.push_str("errors are bounds; bytes are of all parties, per element\n");
    if let Some(path) = &args.svg {
        write(path, &chart(&drawn))?;
    }
    Ok(Answer {
        exit: 0,
        text,
        json: json!({ "approximations": Value::Array(list) }),
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        let message = format!("the chart cannot be written: {error}");
        let problem = Problem::file("I15", message, path.display().to_string());
        Failure::one(Exit::Usage, problem)
    })
}

/// How an approximation is asked for again.
fn choice(found: &Found) -> String {
    match found {
        Found::Polynomial(fit) => format!("degree {}", fit.polynomial.degree()),
        Found::Pieces(spline) => format!("pieces {}", spline.pieces.len()),
    }
}

/// The same function with one step less or more, if there is such an approximation.
fn neighbour(item: &ast::Approx, found: &Approximation, direction: i64) -> Option<Approximation> {
    let (word, count) = match &found.found {
        Found::Polynomial(fit) => {
            let polynomial = &fit.polynomial;
            let odd = polynomial.coefficients.iter().skip(1).step_by(2);
            let even = polynomial.coefficients.iter().skip(2).step_by(2);
            let symmetric = odd.clone().all(|c| *c == 0.0) || even.clone().all(|c| *c == 0.0);
            let step = if symmetric { 2 } else { 1 };
            ("degree", polynomial.degree() as i64 + direction * step)
        }
        Found::Pieces(spline) => ("pieces", spline.pieces.len() as i64 + direction),
    };
    if count < 1 {
        return None;
    }
    let mut other = item.clone();
    let (ident, value) = other.goals.first_mut()?;
    ident.name = word.to_owned();
    value.kind = ExprKind::Number(count.to_string());
    other.goals.truncate(1);
    if let Found::Pieces(spline) = &found.found {
        let degree = spline.pieces.first().map_or(3, |p| p.len() - 1);
        let mut goal = other.goals[0].clone();
        goal.0.name = "degree".to_owned();
        goal.1.kind = ExprKind::Number(degree.to_string());
        other.goals.push(goal);
    }
    approximation(&other).ok()
}

/// What a call adds to a script: rounds, and bytes of all parties for each element of many.
fn cost(
    sources: &mut Sources,
    binding: &Binding,
    found: &Approximation,
) -> Result<(i128, f64), Failure> {
    let name = &found.name;
    let mut of = |call: &str| -> Result<(i128, i128), Failure> {
        let seen = smpc_check::revealed(found).map_or(String::new(), |seen| format!(", {seen}"));
        let seen = if call.contains(name.as_str()) {
            seen
        } else {
            String::new()
        };
        let text = format!(
            "{}party owner;\ninput own: [fix; n] from owner;\nlet x = share own * share own;\n\
             let y = {call};\nreveal y * y as result;\nleaks n, result{seen} to all;\n",
            found.text
        );
        let file = sources.add(&format!("cost of {name}"), &text);
        let parsed = smpc_grammar::parse(file, &text);
        let loaded = Loaded {
            file,
            module: parsed.module,
            errors: parsed.diagnostics,
        };
        let script = pipeline::check_loaded(sources, &loaded, Path::new("approx.smpc"), binding)?;
        let bound = pipeline::bind(sources, &script, binding, false)?;
        let cost = party::cost(pipeline::validated(&bound.program)?);
        let value = |size: &Size| size.evaluate(&|_| Some(MANY)).unwrap_or(0);
        Ok((value(&cost.rounds), cost.bytes.iter().map(value).sum()))
    };
    let (rounds, bytes) = of(&format!("{name}(x)"))?;
    let (rounds_without, bytes_without) = of("x")?;
    let each = (bytes - bytes_without) as f64 / MANY as f64;
    Ok((rounds - rounds_without, each))
}

/// One panel for each function with its curve, and below it the approximation's error, without rounding.
fn chart(list: &[Approximation]) -> String {
    let (width, height, gap) = (640.0, 200.0, 40.0);
    let total = (2.0 * height + 3.0 * gap) * list.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{total}\" font-family=\"sans-serif\" font-size=\"12\">\n",
        width + 2.0 * gap
    );
    for (at, one) in list.iter().enumerate() {
        let top = (2.0 * height + 3.0 * gap) * at as f64 + gap;
        let points: Vec<f64> = (0..=640)
            .map(|i| one.domain.point(f64::from(i) / 320.0 - 1.0))
            .collect();
        let value: Vec<f64> = points.iter().map(|x| one.function.at(*x)).collect();
        let error: Vec<f64> = points
            .iter()
            .map(|x| one.found.at(*x) - one.function.at(*x))
            .collect();
        let bound = one.found.budget().total();
        let title = format!("{}, {}", one.name, choice(&one.found));
        let told = format!("error, at most {bound:.2e} with rounding");
        panel(&mut svg, &value, &title, (gap, top, width, height));
        panel(
            &mut svg,
            &error,
            &told,
            (gap, top + height + gap, width, height),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, values: &[f64], title: &str, place: (f64, f64, f64, f64)) {
    let (left, top, width, height) = place;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(f64::MIN_POSITIVE);
    let last = (values.len() - 1) as f64;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(i, v)| {
            let (x, y) = (
                left + width * i as f64 / last,
                top + height * (high - v) / span,
            );
            format!("{x:.1},{y:.1}")
        })
        .collect();
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\">{title}: {low:.3e} to {high:.3e}</text>\n\
         <rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#bbb\"/>\n\
         <polyline fill=\"none\" stroke=\"#05a\" points=\"{}\"/>",
        top - 6.0,
        points.join(" ")
    );
}
