//! What a script should answer, by the shadow alone: the reference of differential tests.

use std::collections::HashMap;

use smpc_ir::share::{Op, Program, Step, Value};

use crate::array::Array;
use crate::evaluate::{Environment, Evaluator, Stopped, Visitor};

/// One output of the shadow.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The name the user gave.
    pub name: String,
    /// Which member of a tuple or struct, of how many.
    pub field: Option<(u16, u16)>,
    /// Its value. A shuffle leaves rows where they are: any order is as good as another.
    pub value: Array,
}

/// Evaluates the share-level program over exact integers and reals and collects its outputs, in
/// the order they happen.
///
/// # Errors
/// The place where the shadow cannot follow: what a party draws, or a failed operation.
pub fn outputs(program: &Program, environment: &Environment) -> Result<Vec<Output>, Stopped> {
    let mut evaluator = Evaluator::new(program, environment, 64, Collect(Vec::new()));
    evaluator.run()?;
    Ok(evaluator.visitor.0)
}

struct Collect(Vec<Output>);

impl Visitor for Collect {
    fn shuffled(&self, _: &Step, _: &[u64], rows: usize) -> Option<Vec<usize>> {
        Some((0..rows).collect())
    }

    fn visit(&mut self, step: &Step, _: &[u64], values: &HashMap<Value, Array>) {
        if let Op::Output { name, field, .. } = &step.op
            && let Some(value) = step.args.first().and_then(|arg| values.get(arg))
        {
            self.0.push(Output {
                name: name.clone(),
                field: *field,
                value: value.clone(),
            });
        }
    }
}
