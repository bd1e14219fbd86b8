//! `approx`: a function given by a formula becomes a polynomial with a proved error.
//!
//! The fitted polynomial is written as a function of the language, in a file of its own, and goes
//! through the checker like any other.

use std::rc::Rc;

use smpc_approx::choose::beyond_range;
use smpc_approx::interval::Interval;
use smpc_approx::spline::{self, Spline};
use smpc_approx::{
    Arithmetic, Budget, Domain, Elementary, Fit, Function, Goal, Outside, Unfit, Work, fit, script,
};
use smpc_grammar::ast::{
    self, Approx, BinaryOp, Expr, ExprKind, ItemKind, Span, TypeArg, TypeKind, UnaryOp,
};

use crate::build::{Elab, FnDef};
use crate::number;

/// The most fraction bits of an approximation.
const MOST_FRACTION_BITS: u32 = 40;

/// Largest whole exponent in a formula.
const LARGEST_POWER: i128 = 64;

/// What is wrong with a part of an `approx`.
struct Wrong {
    code: &'static str,
    span: Span,
    message: String,
    help: String,
}

fn wrong(span: Span, message: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong {
        code: "T03",
        span,
        message: message.into(),
        help: help.into(),
    }
}

/// What stands in place of a function.
#[derive(Clone, Debug)]
pub enum Found {
    /// One polynomial.
    Polynomial(Fit),
    /// One for each piece of the domain.
    Pieces(Spline),
}

impl Found {
    /// Bounds of the error in the domain.
    pub fn budget(&self) -> Budget {
        match self {
            Self::Polynomial(fit) => fit.budget,
            Self::Pieces(spline) => spline.budget,
        }
    }

    /// What a call does to secrets.
    pub fn work(&self) -> &Work {
        match self {
            Self::Polynomial(fit) => &fit.work,
            Self::Pieces(spline) => &spline.work,
        }
    }

    /// The value without rounding on the way, in the domain.
    pub fn at(&self, x: f64) -> f64 {
        match self {
            Self::Polynomial(fit) => fit.polynomial.at(x),
            Self::Pieces(spline) => spline.at(x),
        }
    }
}

/// A fitted `approx`.
#[derive(Clone, Debug)]
pub struct Approximation {
    /// Its name.
    pub name: String,
    /// The formula as an expression.
    pub function: Function,
    /// Where it approximates.
    pub domain: Domain,
    /// Fraction bits of its argument.
    pub arithmetic: Arithmetic,
    /// What was found.
    pub found: Found,
    /// The function of the language that computes it.
    pub text: String,
}

/// What a call of an approximation reveals, under this name: whether an argument is outside of the domain.
pub fn revealed(found: &Approximation) -> Option<String> {
    let seen = script::seen(&found.name);
    found
        .text
        .contains(&format!("reveals {seen}:"))
        .then_some(seen)
}

/// Fits an `approx`, for truncations that are off by one unit at most: so are those of an approximation in every mode.
///
/// # Errors
/// What is wrong with it, or why no polynomial does what it asks.
pub fn approximation(item: &Approx) -> Result<Approximation, smpc_grammar::Diagnostic> {
    fitted(item).map_err(|w| smpc_grammar::Diagnostic::new(w.code, w.message, w.span).help(w.help))
}

/// The f of `fix<f>`, 16 of `fix`.
fn fraction_bits(ty: &ast::Type) -> Result<u32, Wrong> {
    let help =
        format!("write `t: fix`, or `t: fix<24>` for up to {MOST_FRACTION_BITS} fraction bits");
    let other = || {
        wrong(
            ty.span,
            "the parameter of an approximation is a `fix`",
            &help,
        )
    };
    let TypeKind::Named {
        path,
        args,
        indices,
    } = &ty.kind
    else {
        return Err(other());
    };
    if path.segments.len() != 1 || path.segments[0].name != "fix" || !indices.is_empty() {
        return Err(other());
    }
    let bits = match args.as_slice() {
        [] => return Ok(Arithmetic::default().fraction_bits),
        [TypeArg::Expr(bits)] => constant(bits)?,
        _ => return Err(other()),
    };
    if bits.fract() == 0.0 && (1.0..=f64::from(MOST_FRACTION_BITS)).contains(&bits) {
        return Ok(bits as u32);
    }
    let message = format!("an approximation has 1 to {MOST_FRACTION_BITS} fraction bits");
    Err(wrong(ty.span, message, help))
}

fn fitted(item: &Approx) -> Result<Approximation, Wrong> {
    let mut names = item.params.iter().flat_map(|group| &group.names);
    let parameter = names.next().filter(|_| names.next().is_none());
    let parameter = parameter.ok_or_else(|| {
        let help =
            "write `approx f(t: fix) = ...`; of more arguments, approximate parts of one each";
        wrong(
            item.name.span,
            format!("`{}` needs one parameter", item.name.name),
            help,
        )
    })?;
    let arithmetic = Arithmetic {
        fraction_bits: match item.params.first() {
            Some(group) => fraction_bits(&group.ty)?,
            None => Arithmetic::default().fraction_bits,
        },
    };
    let function = formula(&item.value, &parameter.ident.name)?;
    let domain = domain(&item.on)?;
    let outside = outside(item)?;
    let (name, parameter) = (item.name.name.clone(), &parameter.ident.name);
    let (found, text) = if item.goals.iter().any(|(word, _)| word.name == "pieces") {
        let spline = pieces(item, &function, domain, arithmetic)?.with(&outside);
        let text = spline::function(&name, parameter, &function, &spline, arithmetic, &outside);
        (Found::Pieces(spline), text)
    } else {
        let goal = goal(item)?;
        let found = fit(&function, domain, goal, arithmetic);
        let fit = found.map_err(|e| unfit(item, arithmetic, e))?;
        let text = script::function(&name, parameter, &fit, arithmetic, &outside);
        (Found::Polynomial(fit), text)
    };
    let total = found.budget().total();
    if let Some(width) = beyond_range(&function, domain, total, arithmetic) {
        return Err(Wrong {
            code: "A02",
            span: item.value.span,
            message: format!(
                "`{name}` would be off by {total:.1e}, and its values differ by {width:.1e}: a number in its place would be nearer"
            ),
            help: format!(
                "leave out a large number that is added, take a function of a smaller multiple of `{parameter}`, a shorter domain, another degree or other fraction bits"
            ),
        });
    }
    Ok(Approximation {
        name,
        function,
        domain,
        arithmetic,
        found,
        text,
    })
}

/// `pieces k`, of degree 3, of `degree d`, or of the least degree that is `within e`.
fn pieces(
    item: &Approx,
    function: &Function,
    domain: Domain,
    arithmetic: Arithmetic,
) -> Result<Spline, Wrong> {
    let help = "`pieces 6`, `pieces 6 degree 5` or `pieces 6 within 0.001`";
    let whole = |value: &Expr, least: f64, most: usize| {
        let number = constant(value)?;
        if number.fract() == 0.0 && (least..=most as f64).contains(&number) {
            return Ok(number as usize);
        }
        let message = format!("this is a whole number from {least} to {most}");
        Err(wrong(value.span, message, help))
    };
    let (mut count, mut degree, mut within) = (None, None, None);
    for (word, value) in &item.goals {
        match word.name.as_str() {
            "pieces" if count.is_none() => count = Some(whole(value, 1.0, spline::MOST)?),
            "degree" if degree.is_none() => degree = Some(whole(value, 0.0, spline::HIGHEST)?),
            "within" if within.is_none() => within = Some((constant(value)?, value.span)),
            _ => {
                let message = format!("`{}` does not go with `pieces`", word.name);
                return Err(wrong(word.span, message, help));
            }
        }
    }
    let count = count.unwrap_or(1);
    let of = |degree| {
        let found = spline::spline(function, domain, count, degree, arithmetic);
        found.map_err(|e| unfit(item, arithmetic, e))
    };
    let Some((error, span)) = within else {
        return of(degree.unwrap_or(3));
    };
    let degrees = match degree {
        Some(degree) => degree..=degree,
        None => 0..=spline::HIGHEST,
    };
    let mut best: Option<Spline> = None;
    for degree in degrees {
        let found = of(degree)?;
        if found.budget.total() <= error {
            return Ok(found);
        }
        let least = best.as_ref().map(|b| b.budget.total());
        if least.is_none_or(|least| found.budget.total() < least) {
            best = Some(found);
        }
    }
    let reached = best.map_or(f64::INFINITY, |b| b.budget.total());
    Err(Wrong {
        code: "A01",
        span,
        message: format!(
            "{count} polynomials of degree {} or less are not as near as this",
            spline::HIGHEST
        ),
        help: format!(
            "`within {}` is reached; more pieces come nearer",
            round_up(reached)
        ),
    })
}

/// The formula as a function of the parameter.
fn formula(expr: &Expr, parameter: &str) -> Result<Function, Wrong> {
    let of = |e: &Expr| formula(e, parameter).map(Box::new);
    match &expr.kind {
        ExprKind::Number(text) => {
            let value = decimal(text).ok_or_else(|| too_large(expr.span))?;
            Ok(Function::Constant(value))
        }
        ExprKind::Path { path, generics } if generics.is_empty() && path.segments.len() == 1 => {
            let name = &path.segments[0].name;
            if name == parameter {
                return Ok(Function::Variable);
            }
            let help = format!(
                "a formula is made of `{parameter}`, numbers, + - * / ^ and {}",
                known()
            );
            Err(wrong(
                expr.span,
                format!("`{name}` is no part of a formula"),
                help,
            ))
        }
        ExprKind::Tuple(inner) if inner.len() == 1 => formula(&inner[0], parameter),
        ExprKind::Unary(UnaryOp::Neg, inner) => Ok(Function::Apply(Elementary::Negate, of(inner)?)),
        ExprKind::Binary(f, op, g) => match op {
            BinaryOp::Add => Ok(Function::Add(of(f)?, of(g)?)),
            BinaryOp::Sub => Ok(Function::Sub(of(f)?, of(g)?)),
            BinaryOp::Mul => Ok(Function::Mul(of(f)?, of(g)?)),
            BinaryOp::Div => Ok(Function::Div(of(f)?, of(g)?)),
            BinaryOp::Pow => Ok(Function::Power(of(f)?, exponent(g)?)),
            _ => Err(no_formula(expr.span)),
        },
        ExprKind::Call { callee, args } => {
            let name = match &callee.kind {
                ExprKind::Path { path, .. } => path.segments.last().map(|s| s.name.as_str()),
                _ => None,
            };
            if let (Some("derivative"), [only]) = (name, args.as_slice())
                && only.name.is_none()
                && only.comp.is_none()
            {
                return Ok(of(&only.value)?.derivative());
            }
            let elementary = name.and_then(Elementary::named);
            match (elementary, args.as_slice()) {
                (Some(elementary), [only]) if only.name.is_none() && only.comp.is_none() => {
                    Ok(Function::Apply(elementary, of(&only.value)?))
                }
                _ => Err(no_formula(expr.span)),
            }
        }
        _ => Err(no_formula(expr.span)),
    }
}

fn known() -> String {
    format!("{}, derivative", Elementary::NAMES.join(", "))
}

fn no_formula(span: Span) -> Wrong {
    let help = format!("numbers, the parameter, + - * / ^ and {}", known());
    wrong(span, "this is no formula that can be approximated", help)
}

fn too_large(span: Span) -> Wrong {
    wrong(
        span,
        "the number is too large",
        "fixed point has at most 62 bits before the point",
    )
}

fn exponent(expr: &Expr) -> Result<i32, Wrong> {
    let help = "write it with `exp` and `ln`: x^a = exp(a * ln(x))";
    let whole = constant(expr)
        .ok()
        .filter(|v| v.fract() == 0.0 && v.abs() <= LARGEST_POWER as f64);
    whole.map(|v| v as i32).ok_or_else(|| {
        wrong(
            expr.span,
            format!("a power is a whole number up to {LARGEST_POWER}"),
            help,
        )
    })
}

/// A decimal as an interval around it.
fn decimal(text: &str) -> Option<Interval> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let units = number::fixed(whole, fraction)?;
    // As everywhere in scripts, a literal is the nearest multiple of 2^-64.
    let value = units as f64 / 18_446_744_073_709_551_616.0;
    let exact = (value * 18_446_744_073_709_551_616.0) as i128 == units;
    Some(if exact {
        Interval::point(value)
    } else {
        Interval::new(value.next_down(), value.next_up())
    })
}

/// A public number made of literals.
fn constant(expr: &Expr) -> Result<f64, Wrong> {
    let value = formula(expr, "")?;
    let at = value.at(0.0);
    if at.is_finite() {
        Ok(at)
    } else {
        Err(too_large(expr.span))
    }
}

fn domain(expr: &Expr) -> Result<Domain, Wrong> {
    let help = "write `on -8..8`: two numbers, the lower one first";
    let (start, end) = match &expr.kind {
        ExprKind::Range { start, end, .. } => (start, end),
        // `-8..8` may be read as the negation of a range.
        _ => return Err(wrong(expr.span, "the domain is an interval", help)),
    };
    let (low, high) = (constant(start)?, constant(end)?);
    Domain::new(low, high).ok_or_else(|| wrong(expr.span, "the domain is empty", help))
}

fn goal(item: &Approx) -> Result<Goal, Wrong> {
    let help = "`within 0.001`, `degree 7`, `rounds 3` or `pieces 6`";
    let [(word, value)] = item.goals.as_slice() else {
        let span = item
            .goals
            .get(1)
            .map_or(item.name.span, |(word, _)| word.span);
        return Err(wrong(span, "an approximation has one goal", help));
    };
    let number = constant(value)?;
    let whole = || {
        let fits = number.fract() == 0.0 && (0.0..=1024.0).contains(&number);
        let number = fits.then_some(number as usize);
        number.ok_or_else(|| {
            wrong(
                value.span,
                format!("`{}` takes a whole number", word.name),
                help,
            )
        })
    };
    match word.name.as_str() {
        "within" if number > 0.0 => Ok(Goal::Within(number)),
        "within" => Err(wrong(
            value.span,
            "no error is as small as this",
            "an error is above 0",
        )),
        "degree" => Ok(Goal::Degree(whole()?)),
        "rounds" => Ok(Goal::Depth(u32::try_from(whole()?).unwrap_or(u32::MAX))),
        _ => Err(Wrong {
            code: "U01",
            span: word.span,
            message: format!("`{}` is not executable yet", word.name),
            help: help.to_owned(),
        }),
    }
}

fn outside(item: &Approx) -> Result<Outside, Wrong> {
    let help = "`outside clamp`, `outside saturate(0, 1)`, `outside extend`, `outside assert` or `outside unchecked`";
    let Some(expr) = &item.outside else {
        let message = format!("what is `{}` outside of its domain?", item.name.name);
        return Err(wrong(item.name.span, message, help));
    };
    let name = |expr: &Expr| match &expr.kind {
        ExprKind::Path { path, .. } => path.segments.first().map(|s| s.name.clone()),
        _ => None,
    };
    match &expr.kind {
        ExprKind::Call { callee, args } if name(callee).as_deref() == Some("saturate") => {
            let [below, above] = args.as_slice() else {
                return Err(wrong(expr.span, "`saturate` takes two numbers", help));
            };
            let text = |e: &Expr| constant(e).map(script::decimal);
            Ok(Outside::Saturate(text(&below.value)?, text(&above.value)?))
        }
        _ => match name(expr).as_deref() {
            Some("clamp") => Ok(Outside::Clamp),
            Some("extend" | "unchecked") => Ok(Outside::Extend),
            Some("assert") => Ok(Outside::Assert),
            _ => Err(wrong(expr.span, "this is no rule for the outside", help)),
        },
    }
}

/// A place in a domain, without digits that say nothing.
fn place(at: f64, item: &Approx) -> f64 {
    let width = domain(&item.on).map_or(1.0, |d| d.high - d.low);
    let digits = (1.0 / width).log10().ceil().max(0.0) as usize + 5;
    format!("{at:.digits$}").parse::<f64>().unwrap_or(at) + 0.0
}

fn parameter_name(item: &Approx) -> &str {
    let names = item.params.first().and_then(|group| group.names.first());
    names.map_or("t", |name| &name.ident.name)
}

fn unfit(item: &Approx, arithmetic: Arithmetic, unfit: Unfit) -> Wrong {
    let name = &item.name.name;
    let f = arithmetic.fraction_bits;
    match unfit {
        Unfit::Undefined(near) => wrong(
            item.value.span,
            format!(
                "`{name}` has no value near {}, or none of which the error can be bounded",
                place(near.at, item)
            ),
            format!(
                "leave that point out of the domain; a root may reach 0 in it only if it is `sqrt({})`",
                parameter_name(item)
            ),
        ),
        Unfit::TooLarge(bits) => Wrong {
            code: "A02",
            span: item.value.span,
            message: format!(
                "computing `{name}` with {f} fraction bits takes {:.0} bits more than a ring of 64 has",
                bits.ceil()
            ),
            help: format!(
                "approximate a smaller multiple of it, or a function of a smaller multiple of `{}`, on a shorter domain, or with fewer fraction bits",
                parameter_name(item)
            ),
        },
        Unfit::Crowded(most) => wrong(
            item.on.span,
            format!("the domain has {most} steps of 2^-{f}, fewer than pieces"),
            format!("`pieces {most}` at most"),
        ),
        Unfit::Degree(degree) => wrong(
            item.goals
                .first()
                .map_or(item.name.span, |(_, value)| value.span),
            format!("degree {degree} is too high"),
            format!("at most {}", smpc_approx::choose::HIGHEST),
        ),
        Unfit::Unreachable(best) => Wrong {
            code: "A01",
            span: item
                .goals
                .first()
                .map_or(item.name.span, |(_, value)| value.span),
            message: format!(
                "no polynomial of degree {} or less is as near as this",
                smpc_approx::choose::HIGHEST
            ),
            help: format!(
                "`within {}` is reached, by degree {}: {:.1e} is the approximation, {:.1e} the arithmetic",
                round_up(best.budget.total()),
                best.polynomial.degree(),
                best.budget.approximation + best.budget.coefficients,
                best.budget.evaluation
            ),
        },
    }
}

/// Two significant digits, not less.
fn round_up(value: f64) -> String {
    let mut digits = 1usize;
    let mut scale = 10.0;
    while value * scale < 10.0 && digits < 18 {
        scale *= 10.0;
        digits += 1;
    }
    format!("{:.digits$}", (value * scale).ceil() / scale)
}

impl Elab<'_> {
    /// Defines the function that an `approx` becomes.
    pub fn approx(&mut self, module: usize, item: &Approx) {
        let found = match approximation(item) {
            Ok(found) => found,
            Err(diagnostic) => {
                self.modules[module].broken.insert(item.name.name.clone());
                return self.report(diagnostic);
            }
        };
        let name = format!("approximation of {}", found.name);
        let file = self.sources.add_made(&name, &found.text, item.name.span);
        self.library.insert(file);
        let parsed = smpc_grammar::parse(file, &found.text);
        for error in parsed.diagnostics {
            self.report(error);
        }
        for inner in parsed.module.items {
            if let ItemKind::Fn(function) = inner.kind {
                let def = FnDef {
                    name: function.name.name.clone(),
                    function: Rc::new(ast::Function {
                        name: item.name.clone(),
                        ..function
                    }),
                    module,
                };
                self.define(module, def);
            }
        }
    }
}
