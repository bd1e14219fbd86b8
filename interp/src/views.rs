//! Transposes that only matrix products read: the product reads the operand in place instead.

use std::collections::HashSet;

use smpc_ir::local::Local;
use smpc_ir::party::{Block, Elem, Op, Program, Step, Value};

use smpc_ir::party::project::blocks_of;

/// Results of transposes of the last two axes, of words of a ring, that nothing but matrix products
/// reads. Their registers hold the operand as it was.
pub(crate) fn turned(program: &Program) -> HashSet<Value> {
    let mut found = Found {
        program,
        turned: HashSet::new(),
        read_otherwise: HashSet::new(),
    };
    found.block(&program.body);
    let Found {
        mut turned,
        read_otherwise,
        ..
    } = found;
    turned.retain(|value| !read_otherwise.contains(value));
    turned
}

struct Found<'a> {
    program: &'a Program,
    turned: HashSet<Value>,
    read_otherwise: HashSet<Value>,
}

impl Found<'_> {
    fn block(&mut self, block: &Block) {
        for step in &block.steps {
            if !matches!(step.op, Op::Local(Local::MatMul)) {
                self.read_otherwise.extend(&step.args);
            }
            if self.is_turn(step) {
                self.turned.extend(&step.results);
            }
            for inner in blocks_of(&step.op) {
                self.block(inner);
            }
        }
        self.read_otherwise.extend(&block.results);
    }

    fn is_turn(&self, step: &Step) -> bool {
        let Op::Local(Local::Transpose { axes }) = &step.op else {
            return false;
        };
        let words = step.args.iter().all(|arg| {
            let info = &self.program.values[arg.0 as usize];
            matches!(info.elem, Elem::Ring(..=64))
        });
        let [lead @ .., last, before] = &axes[..] else {
            return false;
        };
        let rank = axes.len();
        words
            && lead
                .iter()
                .enumerate()
                .all(|(i, axis)| usize::from(*axis) == i)
            && usize::from(*last) == rank - 1
            && usize::from(*before) == rank - 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smpc_ir::Size;
    use smpc_ir::local::{Prim, Source};
    use smpc_ir::party::{PartySet, ValueInfo};

    fn program(elem: Elem, axes: &[u8], extra: Option<Local>) -> Program {
        let info = ValueInfo {
            elem,
            shape: vec![Size::from(2), Size::from(2)],
            known_to: PartySet::first(1),
            offline: false,
        };
        let step = |op, args: &[u32], result| Step {
            op: Op::Local(op),
            args: args.iter().map(|i| Value(*i)).collect(),
            results: vec![Value(result)],
            source: Source::default(),
            origin: None,
        };
        let mut steps = vec![
            step(Local::Constant(1), &[], 0),
            step(
                Local::Transpose {
                    axes: axes.to_vec(),
                },
                &[0],
                1,
            ),
            step(Local::MatMul, &[1, 0], 2),
        ];
        steps.extend(extra.map(|op| step(op, &[1], 3)));
        Program {
            parties: vec!["a".into()],
            values: vec![info; 4],
            body: Block {
                steps,
                ..Block::default()
            },
            ..Program::default()
        }
    }

    #[test]
    fn only_products_read_a_view() {
        let ring = Elem::Ring(64);
        let one = HashSet::from([Value(1)]);
        assert_eq!(turned(&program(ring, &[1, 0], None)), one);
        assert!(turned(&program(ring, &[0, 1], None)).is_empty());
        assert!(turned(&program(Elem::Fix, &[1, 0], None)).is_empty());
        let negated = program(ring, &[1, 0], Some(Local::Prim(Prim::Neg)));
        assert!(turned(&negated).is_empty());
    }
}
