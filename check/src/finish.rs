//! The finished program: sizes known equal by a guard are written one way everywhere.

use smpc_ir::local::Local;
use smpc_ir::share::{Block, Op, Program};

use crate::build::Elab;

impl Elab<'_> {
    pub fn finish(&mut self) -> Program {
        let mut program = std::mem::take(&mut self.program);
        let mut body = self.blocks.pop().unwrap_or_default();
        if !self.equal.is_empty() {
            for value in &mut program.values {
                for dim in &mut value.shape {
                    *dim = self.canon(dim);
                }
            }
            self.rewrite(&mut body);
        }
        program.body = body;
        program
    }

    fn rewrite(&self, block: &mut Block) {
        for step in &mut block.steps {
            match &mut step.op {
                Op::Local(Local::Size(size)) => *size = self.canon(size),
                Op::Local(Local::Slice { start, end, .. }) => {
                    *start = self.canon(start);
                    *end = self.canon(end);
                }
                Op::For { count, body, .. } => {
                    *count = self.canon(count);
                    self.rewrite(body);
                }
                Op::While {
                    condition, body, ..
                } => {
                    self.rewrite(condition);
                    self.rewrite(body);
                }
                Op::Switch { arms } => arms.iter_mut().for_each(|a| self.rewrite(a)),
                Op::Reduce { body, .. } | Op::Scan { body, .. } => self.rewrite(body),
                _ => {}
            }
        }
    }
}
