//! The rules of the party program, apart from whoever builds one.

use std::fmt;

use super::{Block, Elem, Elementwise, Op, Program, Step, Value, ValueInfo};
use crate::size::Size;

/// A program that keeps every invariant of [`super`]. Consumers ask for this type.
#[derive(Clone, Copy, Debug)]
pub struct Validated<'a>(&'a Program);

impl<'a> Validated<'a> {
    /// The program.
    pub fn program(self) -> &'a Program {
        self.0
    }
}

/// A broken invariant: a bug of the pass that built the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The step's byte offset in the script.
    pub source: u32,
    /// The rule, in words.
    pub rule: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid party program at byte {}: {}",
            self.source, self.rule
        )
    }
}

impl std::error::Error for Invalid {}

/// Checks every invariant.
///
/// # Errors
/// The first rule broken, with its step.
pub fn validate(program: &Program) -> Result<Validated<'_>, Invalid> {
    let broken = |rule| Err(Invalid { source: 0, rule });
    if program.parties.len() > 128 {
        return broken("a program has at most 128 parties");
    }
    let everyone = program.everyone();
    for info in &program.values {
        let width = info.elem.wire_bits();
        if !(1..=128).contains(&width) {
            return broken("an element has 1 to 128 bits");
        }
        if info.known_to.is_empty() || !info.known_to.is_subset(everyone) {
            return broken("a value is known to some party of the program, and to no other");
        }
    }
    if !program.body.params.is_empty() || !program.body.results.is_empty() {
        return broken("the outermost block has neither parameters nor results");
    }
    let mut checker = Checker {
        program,
        defined: vec![false; program.values.len()],
        visible: vec![],
    };
    checker.block(&program.body)?;
    Ok(Validated(program))
}

struct Checker<'a> {
    program: &'a Program,
    /// Defined anywhere so far: a value has one definition.
    defined: Vec<bool>,
    /// Definitions in scope, innermost block last.
    visible: Vec<Value>,
}

impl<'a> Checker<'a> {
    fn define(&mut self, value: Value, source: u32) -> Result<(), Invalid> {
        match self.defined.get_mut(value.0 as usize) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => {
                return Err(Invalid {
                    source,
                    rule: "a value is defined once",
                });
            }
            None => {
                return Err(Invalid {
                    source,
                    rule: "a value is in the program's list",
                });
            }
        }
        self.visible.push(value);
        Ok(())
    }

    fn info(&self, value: Value, source: u32) -> Result<&'a ValueInfo, Invalid> {
        let program: &'a Program = self.program;
        match program.values.get(value.0 as usize) {
            Some(info) if self.visible.contains(&value) => Ok(info),
            _ => Err(Invalid {
                source,
                rule: "a value is defined before it is used",
            }),
        }
    }

    fn block(&mut self, block: &Block) -> Result<(), Invalid> {
        let outer = self.visible.len();
        for param in &block.params {
            self.define(*param, 0)?;
        }
        for step in &block.steps {
            let args = step
                .args
                .iter()
                .map(|a| self.info(*a, step.source))
                .collect::<Result<Vec<_>, _>>()?;
            if let Op::For { body, .. } = &step.op {
                self.block(body)?;
            }
            for result in &step.results {
                self.define(*result, step.source)?;
            }
            let results = step
                .results
                .iter()
                .map(|r| self.info(*r, step.source))
                .collect::<Result<Vec<_>, _>>()?;
            let holds = |ok: bool, rule| {
                if ok {
                    Ok(())
                } else {
                    Err(Invalid {
                        source: step.source,
                        rule,
                    })
                }
            };
            self.rule(step, &args, &results, &holds)?;
        }
        for result in &block.results {
            self.info(*result, 0)?;
        }
        self.visible.truncate(outer);
        Ok(())
    }

    fn rule(
        &self,
        step: &Step,
        args: &[&ValueInfo],
        results: &[&ValueInfo],
        holds: &dyn Fn(bool, &'static str) -> Result<(), Invalid>,
    ) -> Result<(), Invalid> {
        if let Op::For { body, .. } = &step.op {
            return self.for_rule(step, body, holds);
        }
        if let Op::Output { .. } = &step.op {
            return holds(
                args.len() == 1 && results.is_empty(),
                "an output has one argument and no result",
            );
        }
        holds(results.len() == 1, "an operation has one result")?;
        let r = results[0];
        let arity = match &step.op {
            Op::Input { .. } | Op::Constant(_) | Op::Coin => 0,
            Op::Elementwise(f) => f.arity(),
            Op::MatMul => 2,
            _ => 1,
        };
        holds(
            args.len() == arity,
            "an operation has as many arguments as its kind takes",
        )?;
        holds(
            !r.offline || args.iter().all(|a| a.offline),
            "what an offline operation reads is offline",
        )?;
        if let Op::Send { from, to } = &step.op {
            let a = args[0];
            holds(a.known_to.contains(*from), "a sender knows what it sends")?;
            holds(!to.is_empty(), "a message has a receiver")?;
            holds(
                to.is_subset(self.program.everyone()),
                "a receiver is a party of the program",
            )?;
            holds(
                r.known_to.is_subset(a.known_to.union(*to)),
                "a message reaches its receivers only",
            )?;
            return holds(
                a.elem == r.elem && a.shape == r.shape,
                "a message is what was sent",
            );
        }
        holds(
            args.iter().all(|a| r.known_to.is_subset(a.known_to)),
            "a result is known only to parties that know every argument",
        )?;
        match &step.op {
            Op::Input { .. } => holds(
                r.known_to.len() == 1 && !r.offline,
                "an input has one owner",
            ),
            Op::Elementwise(f) => elementwise_rule(*f, args, r, holds),
            Op::MatMul => {
                let (a, b) = (args[0], args[1]);
                holds(
                    matches!(r.elem, Elem::Ring(_)),
                    "a matrix product is over a ring",
                )?;
                holds(
                    a.elem == r.elem && b.elem == r.elem,
                    "a matrix product is over one ring",
                )?;
                match (a.shape.as_slice(), b.shape.as_slice(), r.shape.as_slice()) {
                    ([n, k], [k2, m], [n2, m2]) => holds(
                        k == k2 && n == n2 && m == m2,
                        "a matrix product is [n, k] by [k, m] to [n, m]",
                    ),
                    _ => holds(false, "a matrix product is of matrices"),
                }
            }
            Op::Transpose => match (args[0].shape.as_slice(), r.shape.as_slice()) {
                ([n, m], [m2, n2]) => holds(
                    args[0].elem == r.elem && n == n2 && m == m2,
                    "a transpose swaps the dimensions",
                ),
                _ => holds(false, "a transpose is of a matrix"),
            },
            Op::Slice { start, end } => {
                match (args[0].shape.split_first(), r.shape.split_first()) {
                    (Some((_, rows)), Some((n, rows2))) => holds(
                        args[0].elem == r.elem && rows == rows2 && *n == end - start,
                        "a slice keeps whole rows",
                    ),
                    _ => holds(false, "a slice is of a tensor"),
                }
            }
            Op::Sum => match args[0].shape.split_first() {
                Some((_, rest)) => holds(
                    args[0].elem == r.elem && *rest == r.shape[..],
                    "a sum drops the first dimension",
                ),
                None => holds(false, "a sum is of a tensor"),
            },
            Op::Reinterpret => holds(
                args[0].elem.wire_bits() == r.elem.wire_bits() && args[0].shape == r.shape,
                "a reinterpretation keeps width and shape",
            ),
            Op::Msb => holds(
                r.elem == Elem::Bits(1) && args[0].shape == r.shape,
                "the top bit is one bit, element by element",
            ),
            _ => Ok(()),
        }
    }

    fn for_rule(
        &self,
        step: &Step,
        body: &Block,
        holds: &dyn Fn(bool, &'static str) -> Result<(), Invalid>,
    ) -> Result<(), Invalid> {
        let lists = [&body.params, &body.results, &step.results];
        holds(
            lists.iter().all(|l| l.len() == step.args.len()),
            "a loop carries as many values as it is given",
        )?;
        for (i, initial) in step.args.iter().enumerate() {
            let info = |v: &Value| self.program.values.get(v.0 as usize);
            let [param, next, last] = lists.map(|l| info(&l[i]));
            let (Some(initial), Some(param), Some(next), Some(last)) =
                (info(initial), param, next, last)
            else {
                return holds(false, "a value is in the program's list");
            };
            let alike = |v: &ValueInfo| v.elem == param.elem && v.shape == param.shape;
            holds(
                alike(initial) && alike(next) && alike(last),
                "a carried value keeps type and shape",
            )?;
            let knows = param.known_to.is_subset(initial.known_to)
                && param.known_to.is_subset(next.known_to);
            holds(
                knows && last.known_to.is_subset(param.known_to),
                "a carried value is known to the same parties",
            )?;
            let offline = !param.offline || (initial.offline && next.offline);
            holds(
                offline && (!last.offline || param.offline),
                "what an offline operation reads is offline",
            )?;
        }
        Ok(())
    }
}

fn elementwise_rule(
    f: Elementwise,
    args: &[&ValueInfo],
    r: &ValueInfo,
    holds: &dyn Fn(bool, &'static str) -> Result<(), Invalid>,
) -> Result<(), Invalid> {
    holds(
        args.iter().all(|a| a.elem == r.elem),
        "element-wise arguments agree in element type",
    )?;
    let fits = |shape: &[Size]| shape.is_empty() || shape == r.shape;
    holds(
        args.iter().all(|a| fits(&a.shape)),
        "element-wise shapes are equal, or one is a scalar",
    )?;
    holds(
        r.shape.is_empty() || args.iter().any(|a| a.shape == r.shape),
        "an element-wise result has an argument's shape",
    )?;
    if let Elementwise::ShiftLeft(by)
    | Elementwise::ShiftRight(by)
    | Elementwise::ShiftRightLogical(by) = f
    {
        holds(
            by < r.elem.wire_bits(),
            "a shift is shorter than the element",
        )?;
    }
    Ok(())
}
