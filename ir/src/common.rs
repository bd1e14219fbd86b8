//! Common sub-expressions of the share-level program.
//!
//! Two steps with the same operation and the same arguments have the same results if the operation
//! is a function: local operations, reads of inputs and parameters, and the sharing of one value.
//! Reveals and outputs are events and stay. The second step goes, and its results are renamed to the
//! first's wherever the first is in scope.

use std::collections::HashMap;

use crate::local::Local;
use crate::share::{Block, Op, Program, Step, Type, Value};

/// What identifies a functional step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Function {
    Local(Local),
    Raw,
    FromRaw,
    Input(u32),
    Param(u32),
    Share,
}

type Key = (Function, Vec<Value>, Type, Vec<crate::Size>);

/// Removes repeated functional steps in place.
pub fn eliminate(program: &mut Program) {
    let mut pass = Pass {
        renamed: HashMap::new(),
        scopes: vec![],
    };
    let mut body = std::mem::take(&mut program.body);
    pass.block(program, &mut body);
    program.body = body;
}

struct Pass {
    renamed: HashMap<Value, Value>,
    scopes: Vec<HashMap<Key, Value>>,
}

impl Pass {
    fn name(&self, value: &mut Value) {
        if let Some(first) = self.renamed.get(value) {
            *value = *first;
        }
    }

    fn block(&mut self, program: &Program, block: &mut Block) {
        self.scopes.push(HashMap::new());
        let mut steps = Vec::with_capacity(block.steps.len());
        for mut step in std::mem::take(&mut block.steps) {
            for arg in &mut step.args {
                self.name(arg);
            }
            self.nested(program, &mut step);
            if !self.repeated(program, &step) {
                steps.push(step);
            }
        }
        block.steps = steps;
        for result in &mut block.results {
            self.name(result);
        }
        self.scopes.pop();
    }

    fn nested(&mut self, program: &Program, step: &mut Step) {
        match &mut step.op {
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                self.block(program, body);
            }
            Op::While {
                condition, body, ..
            } => {
                self.block(program, condition);
                self.block(program, body);
            }
            Op::Switch { arms } => {
                for arm in arms {
                    self.block(program, arm);
                }
            }
            _ => {}
        }
    }

    fn repeated(&mut self, program: &Program, step: &Step) -> bool {
        let function = match &step.op {
            Op::Local(local) => Function::Local(local.clone()),
            Op::Raw => Function::Raw,
            Op::FromRaw => Function::FromRaw,
            Op::Input(i) => Function::Input(*i),
            Op::Param(i) => Function::Param(*i),
            Op::Share => Function::Share,
            _ => return false,
        };
        let [result] = step.results[..] else {
            return false;
        };
        let Some(info) = program.values.get(result.0 as usize) else {
            return false;
        };
        let key = (function, step.args.clone(), info.ty, info.shape.clone());
        let known = self.scopes.iter().rev().find_map(|scope| scope.get(&key));
        if let Some(first) = known.copied()
            && program.values[first.0 as usize].label == info.label
        {
            self.renamed.insert(result, first);
            return true;
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(key, result);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{Prim, Source};
    use crate::share::{Label, ValueInfo};

    fn program(ops: &[(Op, &[u32])]) -> Program {
        let mut program = Program::default();
        for (i, (op, args)) in ops.iter().enumerate() {
            program.values.push(ValueInfo {
                ty: Type::Int,
                shape: vec![],
                label: Label::Public,
                source: Source::default(),
            });
            program.body.steps.push(Step {
                op: op.clone(),
                args: args.iter().map(|a| Value(*a)).collect(),
                results: vec![Value(i as u32)],
                source: Source::default(),
            });
        }
        program
    }

    #[test]
    fn equal_functions_of_equal_arguments_are_one() {
        let add = || Op::Local(Local::Prim(Prim::Add));
        let seven = || Op::Local(Local::Constant(7));
        let mut p = program(&[
            (seven(), &[]),
            (seven(), &[]),
            (add(), &[0, 1]),
            (add(), &[1, 0]),
            (add(), &[2, 3]),
        ]);
        eliminate(&mut p);
        let left: Vec<_> = p.body.steps.iter().map(|s| (s.results[0].0, s.args.clone())).collect();
        let v = |i| Value(i);
        assert_eq!(
            left,
            vec![(0, vec![]), (2, vec![v(0), v(0)]), (4, vec![v(2), v(2)])]
        );
    }

    #[test]
    fn what_a_branch_computes_stays_in_it() {
        let seven = || Op::Local(Local::Constant(7));
        let mut p = program(&[(seven(), &[]), (seven(), &[]), (seven(), &[])]);
        let inner = p.body.steps.remove(0);
        let arm = Block {
            steps: vec![inner],
            ..Block::default()
        };
        p.body.steps.insert(
            0,
            Step {
                op: Op::Switch { arms: vec![arm] },
                args: vec![],
                results: vec![],
                source: Source::default(),
            },
        );
        eliminate(&mut p);
        assert_eq!(p.body.steps.len(), 2, "the arm's constant is not in scope after it");
    }
}
