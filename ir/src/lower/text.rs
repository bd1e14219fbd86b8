//! Which values are characters: what comes from a text input or literal and was only moved, selected or
//! shuffled since. Nothing is computed with it; outputs are written as what they are.

use std::collections::HashSet;

use crate::local::{Local, Prim};
use crate::share::{Block, Op, Program, Step, Type, Value};

/// The values of a script that are text.
pub(super) fn texts(program: &Program) -> HashSet<Value> {
    let mut found = HashSet::new();
    if program.texts.is_empty() && !program.inputs.iter().any(|input| input.text) {
        return found;
    }
    // What a loop carries may become text in its body: again, until nothing is added.
    loop {
        let before = found.len();
        block(program, &program.body, &mut found);
        if found.len() == before {
            return found;
        }
    }
}

fn block(program: &Program, block: &Block, found: &mut HashSet<Value>) {
    for own in &block.steps {
        step(program, own, found);
    }
}

/// `to` are text where `from` are.
fn pass<'v>(
    from: impl IntoIterator<Item = &'v Value>,
    to: impl IntoIterator<Item = &'v Value>,
    found: &mut HashSet<Value>,
) {
    for (from, to) in from.into_iter().zip(to) {
        if found.contains(from) {
            found.insert(*to);
        }
    }
}

/// Whether these are literals that the script writes as text of the result's type.
fn is_literal(program: &Program, values: &[i128], results: &[Value]) -> bool {
    let result = results.first();
    let info = result.and_then(|result| program.values.get(result.0 as usize));
    let Some(Type::Bits(width)) = info.map(|info| info.ty) else {
        return false;
    };
    let is_text = |value: &i128| program.texts.contains(&(*value, width));
    !values.is_empty() && values.iter().all(is_text)
}

fn step(program: &Program, own: &Step, found: &mut HashSet<Value>) {
    let Step {
        op, args, results, ..
    } = own;
    let moved = |range: std::ops::Range<usize>, found: &HashSet<Value>| {
        let args = args.get(range).unwrap_or_default();
        args.iter().any(|arg| found.contains(arg))
    };
    let text = match op {
        Op::Input(at) => {
            let input = program.inputs.get(*at as usize);
            input.is_some_and(|input| input.text)
        }
        Op::Local(Local::Constant(value)) => is_literal(program, &[*value], results),
        Op::Local(Local::Data(values)) => is_literal(program, values, results),
        Op::Share | Op::Reveal(_) => moved(0..1, found),
        Op::Local(
            Local::Reshape
            | Local::Broadcast
            | Local::Transpose { .. }
            | Local::Slice { .. }
            | Local::Gather,
        ) => moved(0..1, found),
        Op::Local(Local::Concat { .. }) => moved(0..args.len(), found),
        Op::Local(Local::Scatter) => moved(0..2, found),
        Op::Local(Local::Prim(Prim::Select)) => moved(1..3, found),
        Op::Shuffle => {
            pass(args, results, found);
            false
        }
        Op::For { body, .. } | Op::While { body, .. } => {
            pass(args, &body.params, found);
            block(program, body, found);
            pass(&body.results, &body.params, found);
            pass(args, results, found);
            pass(&body.results, results, found);
            false
        }
        Op::Switch { arms } => {
            for arm in arms {
                block(program, arm, found);
                pass(&arm.results, results, found);
            }
            false
        }
        Op::Reduce { body, .. } | Op::Scan { body, .. } => {
            pass(args.iter().chain(args), &body.params, found);
            block(program, body, found);
            pass(&body.results, results, found);
            false
        }
        _ => false,
    };
    if text {
        found.extend(results);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Source;
    use crate::share::{Audience, Input, Label, Type, ValueInfo};
    use crate::size::{Size, SizeVar};

    fn step(op: Op, args: &[u32], results: &[u32]) -> Step {
        Step {
            op,
            args: args.iter().copied().map(Value).collect(),
            results: results.iter().copied().map(Value).collect(),
            source: Source::default(),
        }
    }

    #[test]
    fn text_is_followed_through_loops_but_not_through_arithmetic() {
        let input = Input {
            party: 0,
            file: "x".into(),
            column: None,
            ty: Type::Bits(32),
            text: true,
            shape: vec![],
            source: Source::default(),
        };
        // A loop carries two values and swaps them: the second is text at first, in the end both.
        let body = Block {
            params: vec![Value(3), Value(4)],
            steps: vec![step(Op::Local(Local::Prim(Prim::Add)), &[3, 4], &[5])],
            results: vec![Value(4), Value(3)],
        };
        let looped = Op::For {
            var: SizeVar(0),
            count: Size::from(2),
            body,
        };
        let program = Program {
            inputs: vec![input],
            body: Block {
                steps: vec![
                    step(Op::Input(0), &[], &[0]),
                    step(Op::Share, &[0], &[1]),
                    step(Op::Local(Local::Constant(0)), &[], &[2]),
                    step(looped, &[2, 1], &[6, 7]),
                    step(Op::Reveal(Audience::All), &[6], &[8]),
                    step(Op::Local(Local::Prim(Prim::Eq)), &[1, 6], &[9]),
                ],
                ..Block::default()
            },
            ..Program::default()
        };
        let mut found: Vec<u32> = texts(&program).into_iter().map(|v| v.0).collect();
        found.sort_unstable();
        assert_eq!(found, [0, 1, 3, 4, 6, 7, 8]);
    }

    #[test]
    fn literals_are_text_where_the_script_writes_them_so() {
        let constant = |value| Op::Local(Local::Constant(value));
        let bits = |width| ValueInfo {
            ty: Type::Bits(width),
            shape: vec![],
            label: Label::Public,
            source: Source::default(),
            library: false,
        };
        let program = Program {
            texts: [(0x6162, 16)].into(),
            values: vec![bits(16), bits(16), bits(32), bits(16)],
            body: Block {
                steps: vec![
                    step(constant(0x6162), &[], &[0]),
                    step(constant(0x6163), &[], &[1]),
                    step(constant(0x6162), &[], &[2]),
                    step(Op::Local(Local::Prim(Prim::Select)), &[9, 0, 0], &[3]),
                ],
                ..Block::default()
            },
            ..Program::default()
        };
        let found: HashSet<Value> = [Value(0), Value(3)].into();
        assert_eq!(texts(&program), found);
    }
}
