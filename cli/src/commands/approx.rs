//! `smpc approx`: what stands in place of a function, how far it is off, and what it costs.

mod chart;
mod failure;

use crate::Answer;
use crate::args::Approx;
use crate::pipeline;
use crate::problem::{Exit, Failure, Problem};
use crate::written;
use chart::chart;
use serde_json::{Value, json};
use smpc_check::{Approximation, Found, approximation};
use smpc_driver::Binding;
use smpc_driver::load::{Loaded, load};
use smpc_grammar::Sources;
use smpc_grammar::ast::{self, ExprKind, ItemKind};
use smpc_ir::flat::Protocols;
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
    let script = Script {
        path: &args.script.file,
        module: &loaded.module,
        binding: &binding,
    };
    let mut told = Told::default();
    let mut drawn = vec![];
    let mut errors = vec![];
    for item in &loaded.module.items {
        let ItemKind::Approx(item) = &item.kind else {
            continue;
        };
        match approximation(item) {
            Ok(found) => {
                told.approximation(sources, &script, item, &found)?;
                drawn.push(found);
            }
            Err(error) => errors.push(error),
        }
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
    if let Some(path) = &args.svg {
        let reads = written::reads(sources);
        written::apart("the chart", path, &reads)?;
        written::write(path, &chart(&drawn))?;
    }
    Ok(Answer {
        exit: 0,
        text: told.text + &format!("{NOTES}; under {}, on servers of their own\n", told.backend),
        json: json!({ "approximations": Value::Array(told.list) }),
    })
}

/// What the columns are.
const NOTES: &str = "\
errors are bounds: of the polynomial with its coefficients in whole units, and of truncations; products of powers and
coefficients, without comparisons; bytes of all parties, per element; headroom in bits; failure: chance that a truncation of a call
fails, of an argument in the domain, - where a protocol does not say";

/// What approximations are part of.
struct Script<'a> {
    path: &'a Path,
    module: &'a ast::Module,
    binding: &'a Binding,
}

/// What is printed.
#[derive(Default)]
struct Told {
    text: String,
    list: Vec<Value>,
    /// That costs are of.
    backend: String,
}

impl Told {
    /// An approximation and its neighbours.
    fn approximation(
        &mut self,
        sources: &mut Sources,
        script: &Script,
        item: &ast::Approx,
        found: &Approximation,
    ) -> Result<(), Failure> {
        let (name, domain) = (&found.name, found.domain);
        let bits = found.arithmetic.fraction_bits;
        let _ = writeln!(
            self.text,
            "{name}, on {} to {}, {bits} fraction bits\n                      \
             error  polynomial  rounding  products  rounds  bytes  headroom  failure",
            domain.low, domain.high
        );
        let chosen = cost(sources, script, item, found)?;
        let mut cheaper = None;
        for (again, other) in neighbours(item, found, -1) {
            let costs = cost(sources, script, &again, &other)?;
            if costs.less_than(&chosen) {
                cheaper = Some((other, costs));
                break;
            }
        }
        let error = |one: &Approximation| one.found.budget().total();
        let better =
            neighbours(item, found, 1).find(|(_, other)| error(other) < 0.999 * error(found));
        let better = match better {
            Some((again, other)) => Some((cost(sources, script, &again, &other)?, other)),
            None => None,
        };
        let rows = [
            cheaper.as_ref().map(|(one, cost)| ("cheaper", one, cost)),
            Some(("chosen", found, &chosen)),
            better.as_ref().map(|(cost, one)| ("better", one, cost)),
        ];
        let rows: Vec<Value> = rows
            .into_iter()
            .flatten()
            .map(|(what, one, cost)| self.row(what, one, cost))
            .collect();
        self.list.push(json!({
            "name": name,
            "fraction_bits": bits,
            "from": domain.low,
            "to": domain.high,
            "choices": rows,
        }));
        self.backend = chosen.backend;
        Ok(())
    }

    fn row(&mut self, what: &str, one: &Approximation, cost: &Cost) -> Value {
        let (budget, work) = (one.found.budget(), one.found.work());
        let headroom = work.headroom(cost.ring_bits);
        let total = budget.total();
        // Proved of the polynomial as it is computed with.
        let polynomial = budget.approximation + budget.coefficients;
        let rounding = budget.evaluation;
        let failure = match cost.failure {
            Some(0.0) => "0".to_owned(),
            Some(chance) => format!("{chance:.1e}"),
            None => "-".to_owned(),
        };
        let _ = writeln!(
            self.text,
            "  {what:8} {:9} {total:9.2e} {polynomial:11.2e} {rounding:9.2e} {:9} {:7} {:6.0} {headroom:9.1}  {failure:>7}",
            choice(&one.found),
            work.products(),
            cost.rounds,
            cost.bytes
        );
        json!({
            "choice": what,
            "polynomial": choice(&one.found),
            "error": total,
            "of_polynomial": polynomial,
            "of_truncation": rounding,
            "products": work.products(),
            "rounds": cost.rounds,
            "bytes": cost.bytes,
            "headroom_bits": headroom,
            "failure": cost.failure,
        })
    }
}

/// How an approximation is asked for again.
fn choice(found: &Found) -> String {
    match found {
        Found::Polynomial(fit) => format!("degree {}", fit.polynomial.degree()),
        Found::Pieces(spline) => format!("pieces {}", spline.pieces.len()),
    }
}

/// Steps that are looked at for a cheaper and for a better choice.
const STEPS: i64 = 8;

/// The same function with fewer or more degrees or pieces, step by step, where there is such an approximation.
fn neighbours<'a>(
    item: &'a ast::Approx,
    found: &'a Approximation,
    direction: i64,
) -> impl Iterator<Item = (ast::Approx, Approximation)> + 'a {
    let (word, count, step) = match &found.found {
        Found::Polynomial(fit) => {
            let used = fit.polynomial.used();
            let symmetric = [0, 1]
                .iter()
                .any(|rest| used.iter().all(|k| k % 2 == *rest));
            let step = if symmetric { 2 } else { 1 };
            ("degree", fit.polynomial.degree() as i64, step)
        }
        Found::Pieces(spline) => ("pieces", spline.pieces.len() as i64, 1),
    };
    let least = i64::from(word == "pieces");
    (1..=STEPS)
        .map(move |times| count + direction * times * step)
        .take_while(move |count| *count >= least)
        .filter_map(move |count| {
            let other = asked_again(item, found, word, count);
            approximation(&other).ok().map(|found| (other, found))
        })
}

/// The item with another degree, or other pieces of the degree that it has.
fn asked_again(item: &ast::Approx, found: &Approximation, word: &str, count: i64) -> ast::Approx {
    let mut other = item.clone();
    other.goals.truncate(1);
    if let Some((ident, value)) = other.goals.first_mut() {
        ident.name = word.to_owned();
        value.kind = ExprKind::Number(count.to_string());
    }
    if let Found::Pieces(spline) = &found.found {
        let degree = spline.pieces.first().map_or(3, |p| p.len() - 1);
        let degrees = other.goals.first().cloned().map(|(mut ident, mut value)| {
            ident.name = "degree".to_owned();
            value.kind = ExprKind::Number(degree.to_string());
            (ident, value)
        });
        other.goals.extend(degrees);
    }
    other
}

/// What a call costs.
struct Cost {
    /// Message depth.
    rounds: i128,
    /// Bytes of all parties for each element of many.
    bytes: f64,
    /// The chance that a truncation fails, where protocols say so.
    failure: Option<f64>,
    /// The width of the ring.
    ring_bits: u32,
    /// Under which backend.
    backend: String,
}

impl Cost {
    /// In rounds or bytes, and in neither of them more.
    fn less_than(&self, other: &Self) -> bool {
        let less = self.rounds < other.rounds || self.bytes < other.bytes;
        less && self.rounds <= other.rounds && self.bytes <= other.bytes
    }
}

/// What a script says of its backend, without the parties that compute: nobody else is in the script that is counted.
fn using(script: &ast::Module) -> Vec<ast::Item> {
    let mut items = vec![];
    for item in &script.items {
        let ItemKind::Using(using) = &item.kind else {
            continue;
        };
        let using = ast::Using {
            on: vec![],
            ..using.clone()
        };
        let written = |arg: &ast::Arg| matches!(arg.value.kind, ExprKind::Number(_));
        if !using.args.iter().all(written) {
            // They are made of constants.
            let constants = script
                .items
                .iter()
                .filter(|other| matches!(other.kind, ItemKind::Const(_) | ItemKind::Use(_)));
            items.extend(constants.cloned());
        }
        items.push(ast::Item {
            kind: ItemKind::Using(using),
            ..item.clone()
        });
    }
    items
}

/// What a call adds to a script that has the item.
fn cost(
    sources: &mut Sources,
    script: &Script,
    item: &ast::Approx,
    found: &Approximation,
) -> Result<Cost, Failure> {
    let binding = script.binding;
    let name = &found.name;
    let bits = found.arithmetic.fraction_bits;
    let mut about = None;
    let mut of = |call: &str, seen: Option<String>| -> Result<(i128, i128), Failure> {
        let seen = seen.map_or(String::new(), |seen| format!(", {seen}"));
        // Names that no constant of a script has.
        let text = format!(
            "party cost__owner;\ninput cost__own: [fix<{bits}>; cost__n] from cost__owner;\n\
             let cost__x = share cost__own * share cost__own;\nlet cost__y = {call};\n\
             reveal cost__y * cost__y as cost__result;\nleaks cost__n, cost__result{seen} to all;\n"
        );
        let file = sources.add_made(&format!("cost of {name}"), &text, item.name.span);
        let mut parsed = smpc_grammar::parse(file, &text);
        parsed.module.items.extend(using(script.module));
        // An approximation as such: it is not truncated as the script's own products are.
        parsed.module.items.push(ast::Item {
            docs: String::new(),
            public: false,
            kind: ItemKind::Approx(item.clone()),
            span: item.name.span,
        });
        let loaded = Loaded {
            file,
            module: parsed.module,
            errors: parsed.diagnostics,
        };
        let checked = pipeline::check_loaded(sources, &loaded, script.path, binding)?;
        let bound = pipeline::bind(sources, &checked, binding, false)?;
        let cost = party::cost(pipeline::validated(&bound.program)?);
        let value = |size: &Size| size.evaluate(&|_| Some(MANY)).unwrap_or(0);
        about = Some((
            failure::chance(found.found.work(), &bound.protocols),
            u32::from(bound.protocols.ring_bits()),
            bound.backend.clone(),
        ));
        Ok((value(&cost.rounds), cost.bytes.iter().map(value).sum()))
    };
    let (rounds, bytes) = of(&format!("{name}(cost__x)"), smpc_check::revealed(found))?;
    let (rounds_without, bytes_without) = of("cost__x", None)?;
    let (failure, ring_bits, backend) = about.unwrap_or((None, 64, String::new()));
    Ok(Cost {
        rounds: rounds - rounds_without,
        bytes: (bytes - bytes_without) as f64 / MANY as f64,
        failure,
        ring_bits,
        backend,
    })
}
