//! Holds a share-level program to the rules written beside its definition. A violation is an error of
//! this crate, never of a script.

use std::collections::HashSet;

use smpc_ir::local::{Local, Prim};
use smpc_ir::share::{Audience, Block, Label, Op, Program, Step, Type, Value, ValueInfo};
use smpc_ir::size::Size;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Which operation, as text.
    pub step: String,
    /// The rule.
    pub rule: String,
}

/// Checks every operation of a program.
///
/// # Errors
/// The first broken rule.
pub fn validate(program: &Program) -> Result<(), Invalid> {
    let mut defined = HashSet::new();
    block(program, &program.body, &mut defined)
}

fn block(program: &Program, body: &Block, defined: &mut HashSet<Value>) -> Result<(), Invalid> {
    let outside = defined.clone();
    defined.extend(body.params.iter().copied());
    for step in &body.steps {
        let fail = |rule: &str| {
            let mut op = format!("{:?}", step.op);
            op.truncate(120);
            let show = |v: &Value| {
                program
                    .values
                    .get(v.0 as usize)
                    .map(|i| (i.ty, i.label, i.shape.len()))
            };
            Invalid {
                step: format!(
                    "{op} {:?} {:?} -> {:?} {:?}",
                    step.args,
                    step.args.iter().map(show).collect::<Vec<_>>(),
                    step.results,
                    step.results.iter().map(show).collect::<Vec<_>>()
                ),
                rule: rule.to_owned(),
            }
        };
        if let Some(v) = step.args.iter().find(|v| !defined.contains(v)) {
            return Err(fail(&format!("v{} is used before it is defined", v.0)));
        }
        if step.results.iter().any(|v| defined.contains(v)) {
            return Err(fail("a value is defined twice"));
        }
        step_rules(program, step).map_err(|rule| fail(&rule))?;
        match &step.op {
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                block(program, body, defined)?
            }
            Op::While {
                condition, body, ..
            } => {
                block(program, condition, defined)?;
                block(program, body, defined)?;
            }
            Op::Switch { arms } => {
                for arm in arms {
                    block(program, arm, defined)?;
                }
            }
            _ => {}
        }
        defined.extend(step.results.iter().copied());
    }
    if let Some(v) = body.results.iter().find(|v| !defined.contains(v)) {
        return Err(Invalid {
            step: "end of a block".into(),
            rule: format!("v{} is not defined", v.0),
        });
    }
    *defined = outside;
    Ok(())
}

fn count(shape: &[Size]) -> Size {
    shape.iter().fold(Size::one(), |p, d| &p * d)
}

fn ensure(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

fn join(a: Label, b: Label) -> Option<Label> {
    match (a, b) {
        (Label::Public, x) | (x, Label::Public) => Some(x),
        (Label::Secret, Label::Secret) => Some(Label::Secret),
        (Label::Owned(x), Label::Owned(y)) => {
            let both = x.intersection(y);
            (!both.is_empty()).then_some(Label::Owned(both))
        }
        _ => None,
    }
}

/// Whether a value may stand where one of this form is carried.
fn carries(form: &ValueInfo, value: &ValueInfo) -> bool {
    form.ty == value.ty
        && form.shape == value.shape
        && join(form.label, value.label) == Some(form.label)
}

fn step_rules(program: &Program, step: &Step) -> Result<(), String> {
    let info = |v: &Value| {
        program
            .values
            .get(v.0 as usize)
            .ok_or_else(|| "a value without information".to_owned())
    };
    let args: Vec<&ValueInfo> = step.args.iter().map(info).collect::<Result<_, _>>()?;
    let results: Vec<&ValueInfo> = step.results.iter().map(info).collect::<Result<_, _>>()?;
    let infos = |values: &[Value]| values.iter().map(info).collect::<Result<Vec<_>, _>>();
    match &step.op {
        Op::Local(local) => {
            let [result] = results.as_slice() else {
                return Err("one result".into());
            };
            let mut label = Label::Public;
            for arg in &args {
                label = join(label, arg.label).ok_or("labels that do not join")?;
            }
            ensure(
                label == result.label,
                "the result's label is the join of its arguments'",
            )?;
            local_rules(local, &args, result)
        }
        Op::Share => ensure(
            results.len() == 1
                && results[0].label == Label::Secret
                && args[0].label != Label::Secret
                && results[0].ty == args[0].ty
                && results[0].shape == args[0].shape,
            "share takes a clear value to a secret",
        ),
        Op::Reveal(to) => {
            let label = match to {
                Audience::All => Label::Public,
                Audience::Parties(set) => Label::Owned(*set),
            };
            ensure(
                results[0].label == label
                    && args[0].ty == results[0].ty
                    && args[0].shape == results[0].shape,
                "reveal",
            )
        }
        Op::Output { to, .. } => {
            let known = match (args[0].label, to) {
                (Label::Public, _) => true,
                (Label::Owned(set), Audience::Parties(to)) => to.is_subset(set),
                _ => false,
            };
            ensure(known, "the audience of an output knows it")
        }
        Op::Assert => ensure(
            results.is_empty()
                && args.len() == 1
                && args[0].ty == Type::Bits(1)
                && args[0].label == Label::Public,
            "what is asserted is a public bool",
        ),
        Op::Shuffle => ensure(
            args.iter()
                .all(|a| a.label == Label::Secret && a.shape.first() == args[0].shape.first())
                && args.len() == results.len(),
            "shuffle takes secret columns of one length",
        ),
        Op::For { body, .. } | Op::While { body, .. } => {
            let (params, outs) = (infos(&body.params)?, infos(&body.results)?);
            ensure(
                params.len() == args.len()
                    && outs.len() == args.len()
                    && results.len() == args.len(),
                "carried counts",
            )?;
            for at in 0..args.len() {
                ensure(
                    carries(params[at], args[at])
                        && carries(params[at], outs[at])
                        && params[at].label == results[at].label,
                    "carried values keep their form",
                )?;
            }
            if let Op::While { condition, .. } = &step.op {
                let test = infos(&condition.results)?;
                ensure(
                    test.len() == 1 && test[0].label == Label::Public && test[0].shape.is_empty(),
                    "a loop's condition is a public scalar",
                )?;
            }
            Ok(())
        }
        Op::Switch { arms } => {
            ensure(
                args.len() == 1 && args[0].label == Label::Public && args[0].shape.is_empty(),
                "a switch is picked by a public scalar",
            )?;
            for arm in arms {
                let outs = infos(&arm.results)?;
                ensure(outs.len() == results.len(), "arms give the results")?;
                for (out, result) in outs.iter().zip(&results) {
                    ensure(carries(result, out), "arms give the results' forms")?;
                }
            }
            Ok(())
        }
        Op::Reduce { half, body } | Op::Scan { half, body } => {
            let (params, outs) = (infos(&body.params)?, infos(&body.results)?);
            let k = args.len();
            ensure(
                params.len() == 2 * k && outs.len() == k && results.len() == k,
                "tree counts",
            )?;
            for at in 0..k {
                let mut shape = vec![Size::from(*half)];
                shape.extend(args[at].shape.iter().skip(1).cloned());
                ensure(
                    params[at].shape == shape
                        && params[k + at].shape == shape
                        && outs[at].shape == shape,
                    "tree shapes",
                )?;
                ensure(
                    outs[at].label == params[at].label && outs[at].ty == params[at].ty,
                    "tree forms",
                )?;
                let scan = matches!(step.op, Op::Scan { .. });
                let wanted = if scan {
                    &args[at].shape[..]
                } else {
                    &args[at].shape[1..]
                };
                ensure(results[at].shape == wanted, "tree results")?;
            }
            Ok(())
        }
        Op::Raw => ensure(
            matches!(args[0].ty, Type::Fix(_)) && results[0].ty == Type::Int,
            "raw",
        ),
        Op::FromRaw => ensure(
            matches!(results[0].ty, Type::Fix(_)) && args[0].ty == Type::Int,
            "from raw",
        ),
        Op::RingBits => ensure(
            args.is_empty() && results[0].ty == Type::Int && results[0].label == Label::Public,
            "a public integer",
        ),
        Op::OrderedBits => ensure(
            args[0].ty == Type::Int
                && matches!(results[0].ty, Type::Bits(_))
                && [args[0], results[0]]
                    .iter()
                    .all(|v| v.label == Label::Secret)
                && args[0].shape == results[0].shape,
            "bits of secret integers",
        ),
        Op::Input(_) | Op::Param(_) => {
            ensure(args.is_empty() && results.len() == 1, "no arguments")
        }
        Op::Draw => {
            let one = matches!(results[0].label, Label::Owned(set) if set.len() == 1);
            let bits = matches!(results[0].ty, Type::Bits(_));
            ensure(args.is_empty() && one && bits, "bits drawn by one party")
        }
    }
}

fn local_rules(local: &Local, args: &[&ValueInfo], result: &ValueInfo) -> Result<(), String> {
    let secret = result.label == Label::Secret;
    let same_type = |at: &[usize]| at.iter().all(|i| args[*i].ty == args[at[0]].ty);
    match local {
        Local::Constant(_) | Local::Size(_) | Local::Data(_) | Local::Iota => {
            ensure(args.is_empty(), "no arguments")
        }
        Local::Prim(prim) => {
            ensure(args.len() == prim.arity(), "arity")?;
            let rank = result.shape.len();
            for arg in args {
                if arg.shape.is_empty() {
                    continue;
                }
                ensure(arg.shape.len() == rank, "ranks agree or are 0")?;
                for (a, r) in arg.shape.iter().zip(&result.shape) {
                    ensure(a == r || *a == Size::one(), "dimensions agree or are 1")?;
                }
            }
            match prim {
                Prim::Add | Prim::Sub => {
                    ensure(same_type(&[0, 1]) && result.ty == args[0].ty, "types agree")
                }
                Prim::Eq | Prim::Lt => {
                    ensure(
                        same_type(&[0, 1]) && result.ty == Type::Bits(1),
                        "types agree",
                    )?;
                    ensure(
                        !(secret && matches!(args[0].ty, Type::Bits(_))),
                        "no comparison of secret bits",
                    )
                }
                Prim::Select => ensure(
                    args[0].ty == Type::Bits(1) && same_type(&[1, 2]) && result.ty == args[1].ty,
                    "a selection",
                ),
                Prim::Mul | Prim::Neg | Prim::Not | Prim::Cast | Prim::BitSlice { .. } => Ok(()),
                Prim::Shl | Prim::Shr | Prim::ShrLogical => ensure(
                    !secret
                        || (matches!(args[0].ty, Type::Bits(_)) && args[1].label == Label::Public),
                    "shift",
                ),
                _ => ensure(!secret, "no such operation on secrets"),
            }
        }
        Local::MatMul => {
            let r = args[0].shape.len();
            ensure(
                r >= 2 && args[1].shape.len() == r && result.shape.len() == r,
                "ranks",
            )?;
            ensure(
                args[0].shape[r - 1] == args[1].shape[r - 2]
                    && args[0].shape[r - 2] == result.shape[r - 2]
                    && args[1].shape[r - 1] == result.shape[r - 1]
                    && args[0].shape[..r - 2] == args[1].shape[..r - 2],
                "matrix dimensions",
            )
        }
        Local::Reshape => ensure(
            count(&args[0].shape) == count(&result.shape),
            "as many elements",
        ),
        Local::Broadcast => {
            ensure(
                args[0].shape.is_empty() || args[0].shape.len() == result.shape.len(),
                "ranks",
            )?;
            ensure(
                args[0]
                    .shape
                    .iter()
                    .zip(&result.shape)
                    .all(|(a, r)| a == r || *a == Size::one()),
                "dimensions agree or are 1",
            )
        }
        Local::Transpose { axes } => ensure(
            axes.len() == args[0].shape.len()
                && axes
                    .iter()
                    .zip(&result.shape)
                    .all(|(a, r)| args[0].shape.get(usize::from(*a)) == Some(r)),
            "a permutation of the axes",
        ),
        Local::Slice { axis, start, end } => ensure(
            result.shape.get(usize::from(*axis)) == Some(&(end - start))
                && result.shape.len() == args[0].shape.len(),
            "a slice",
        ),
        Local::Concat { axis } => {
            let total = args
                .iter()
                .fold(Size::zero(), |s, a| &s + &a.shape[usize::from(*axis)]);
            ensure(
                total == result.shape[usize::from(*axis)] && args.iter().all(|a| a.ty == result.ty),
                "concatenation",
            )
        }
        Local::Gather => {
            let mut shape = args[1].shape.clone();
            shape.extend(args[0].shape.iter().skip(1).cloned());
            ensure(
                shape == result.shape && args[1].label != Label::Secret,
                "gather",
            )
        }
        Local::Scatter => ensure(
            args.len() == 3 && args[0].shape == result.shape && args[2].label != Label::Secret,
            "scatter",
        ),
        Local::Sum { axis } => {
            let mut shape = args[0].shape.clone();
            shape.remove(usize::from(*axis));
            ensure(shape == result.shape && result.ty == args[0].ty, "sum")
        }
        Local::Digest | Local::Expand => ensure(false, "digests are of party programs"),
        Local::InversePermutation | Local::Unpack | Local::Pack => Ok(()),
    }
}
