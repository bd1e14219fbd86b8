//! Parties, inputs and functions of a random script.

use super::super::ast::{Base, Dim, Function, Input, Ty};
use super::{Extent, Form, Generator, Known, Label};

const WORDS: [&str; 8] = ["a", "apple", "pear", "fig", "plum", "peach", "apples", "zz"];

impl Generator {
    pub(super) fn items(&mut self) {
        let small = self.extent == Extent::Small;
        let parties = 2 + self.draw.below(2);
        for name in ["alice", "bob", "carol"].iter().take(parties) {
            self.script.parties.push(((*name).to_owned(), None));
        }
        let family = self.draw.percent(if small { 4 } else { 12 });
        if family {
            let members = 2 + self.draw.below(2);
            self.script.parties.push(("site".into(), Some(members)));
        }
        for name in ["n", "m"] {
            self.script.sizes.insert(name.into(), 0);
            let value = *self.draw.of(&[1, 2, 3, 3, 4, 5]);
            self.script.sizes.insert(name.into(), value);
        }
        if self.draw.percent(20) {
            let value = self.draw.range(1, 4);
            self.script.params.push(("rounds".into(), value));
            self.tensor("rounds", Ty::scalar(Base::Int), Label::Public, false);
        }
        if self.draw.percent(15) {
            let ty = Ty::array(Base::Fix, vec![Dim::constant(3)]);
            let items = (0..3).map(|_| self.fix_literal()).collect();
            let value = super::super::ast::Expr::List(items);
            self.script
                .constants
                .push(("unit".into(), ty.clone(), value));
            self.tensor("unit", ty, Label::Public, false);
        }
        if self.draw.percent(28) {
            let mut fields = vec![
                ("key".to_owned(), Base::Int),
                ("cost".to_owned(), Base::Fix),
            ];
            if self.draw.percent(50) {
                fields.push(("flag".into(), Base::Bool));
            }
            if self.draw.percent(25) {
                fields.push(("word".into(), Base::Text(8)));
            }
            self.script.structs.push(("Row".into(), fields));
        }
        let inputs = 2 + self.draw.below(if small { 2 } else { 4 });
        for at in 0..inputs {
            self.random_input(at);
        }
        if family {
            self.family_input();
        }
        for at in 0..2 {
            if self.draw.percent(35) {
                self.function(at);
            }
        }
        // The sizes that no input binds do not exist.
        let bound: Vec<String> = self
            .script
            .inputs
            .iter()
            .flat_map(|i| i.dims.iter().map(Dim::to_string))
            .collect();
        self.script.sizes.retain(|name, _| bound.contains(name));
        for name in self.size_names() {
            self.tensor(&name, Ty::scalar(Base::Int), Label::Public, false);
        }
    }

    fn input_dims(&mut self) -> Vec<Dim> {
        let rank = self.draw.weighted(&[25, 55, 20]);
        (0..rank)
            .map(|_| match self.draw.below(5) {
                0 => Dim::constant(self.draw.range(1, 4)),
                1 | 2 => Dim::name("m"),
                _ => Dim::name("n"),
            })
            .collect()
    }

    fn random_input(&mut self, at: usize) {
        let singles = self.script.parties.iter().filter(|p| p.1.is_none()).count();
        // The first inputs come from different parties.
        let owner = if at < singles {
            at
        } else {
            self.draw.below(singles)
        };
        let table = (!self.script.structs.is_empty() && self.draw.percent(40)).then_some(0);
        let name = format!("{}{at}", if table.is_some() { "t" } else { "a" });
        let (columns, dims) = match table {
            Some(at) => (self.script.structs[at].1.clone(), vec![Dim::name("n")]),
            None => {
                let base = self.some_base();
                (vec![(String::new(), base)], self.input_dims())
            }
        };
        let shape: Vec<usize> = dims
            .iter()
            .map(|d| self.dim_value(d).unwrap_or(1) as usize)
            .collect();
        let count = shape.iter().product();
        let words = columns
            .iter()
            .map(|(field, base)| {
                let mut words: Vec<String> = (0..count).map(|_| self.word(*base)).collect();
                if field == "key" {
                    // Different keys: sorting may exchange rows of equal ones.
                    for (at, word) in words.iter_mut().enumerate() {
                        let v: i64 = word.parse().unwrap_or(0);
                        *word = (v / 8 * 8 + at as i64).to_string();
                    }
                }
                words
            })
            .collect();
        let label = Label::Owned(owner);
        let form = match table {
            Some(at) => Form::Table(at, dims.clone()),
            None => Form::Tensor(Ty::array(columns[0].1, dims.clone())),
        };
        self.declare(Known {
            name: name.clone(),
            form,
            label,
            mutable: false,
            index: None,
            learnt: false,
        });
        self.script.inputs.push(Input {
            name,
            party: self.script.parties[owner].0.clone(),
            members: None,
            table,
            columns,
            dims,
            shape,
            words: vec![words],
        });
    }

    fn family_input(&mut self) {
        let Some((party, Some(members))) = self.script.parties.last().cloned() else {
            return;
        };
        let base = *self.draw.of(&[Base::Int, Base::Fix]);
        let dims = if self.draw.percent(50) {
            vec![Dim::name("m")]
        } else {
            vec![]
        };
        let shape: Vec<usize> = dims
            .iter()
            .map(|d| self.dim_value(d).unwrap_or(1) as usize)
            .collect();
        let count = shape.iter().product();
        let words = (0..members)
            .map(|_| vec![(0..count).map(|_| self.word(base)).collect()])
            .collect();
        self.declare(Known {
            name: "v".into(),
            form: Form::Family(Ty::array(base, dims.clone()), party.clone()),
            label: Label::Secret,
            mutable: false,
            index: None,
            learnt: false,
        });
        self.script.inputs.push(Input {
            name: "v".into(),
            party,
            members: Some(members),
            table: None,
            columns: vec![(String::new(), base)],
            dims,
            shape,
            words,
        });
    }

    fn word(&mut self, base: Base) -> String {
        match base {
            Base::Int => match self.draw.below(12) {
                0 => self.draw.range(-1_000_000, 1_000_000).to_string(),
                1 => "0".into(),
                _ => self.draw.range(-20, 40).to_string(),
            },
            Base::Fix => {
                let parts = *self.draw.of(&[1i64, 2, 4, 256]);
                let wide = if self.draw.percent(10) { 2000 } else { 8 };
                let v = self.draw.range(-wide * parts, wide * parts);
                format!("{}", v as f64 / parts as f64)
            }
            Base::Bool => self.draw.below(2).to_string(),
            Base::Bits(m) => {
                let bits = self.draw.bits() >> (64 - u32::from(m));
                // Read as a signed number, so that the widest fit too.
                if self.draw.percent(40) {
                    (bits % 8).to_string()
                } else {
                    (bits >> u32::from(m == 64)).to_string()
                }
            }
            Base::Text(_) => (*self.draw.of(&WORDS)).to_owned(),
        }
    }

    /// A function of its own, which serves every label.
    fn function(&mut self, at: usize) {
        let name = format!("f{at}");
        let outer = std::mem::replace(&mut self.scopes, vec![vec![]]);
        let generic = self.draw.percent(55);
        let size = Dim::name("k");
        let mut params = vec![];
        let bases = [Base::Int, Base::Fix, Base::Fix, Base::Bool];
        if generic {
            let base = *self.draw.of(&[Base::Int, Base::Fix]);
            params.push(("xs".to_owned(), Ty::array(base, vec![size.clone()]), None));
            if self.draw.percent(40) {
                let base = *self.draw.of(&bases);
                params.push(("ys".into(), Ty::array(base, vec![size.clone()]), None));
            }
        } else {
            params.push(("x".to_owned(), Ty::scalar(*self.draw.of(&bases)), None));
        }
        if self.draw.percent(50) {
            let base = *self.draw.of(&[Base::Int, Base::Fix]);
            let default = match (self.draw.percent(50), base) {
                (false, _) => None,
                (true, Base::Int) => Some(self.int_literal()),
                (true, _) => Some(self.fix_literal()),
            };
            params.push(("c".into(), Ty::scalar(base), default));
        }
        for (name, ty, _) in &params {
            self.tensor(name, ty.clone(), Label::Any, false);
        }
        let mut body = vec![];
        if self.draw.percent(40) {
            body.extend(self.local_let(Label::Any));
        }
        let result = |this: &mut Self| {
            let base = *this.draw.of(&bases);
            if generic && this.draw.percent(50) {
                Ty::array(base, vec![size.clone()])
            } else {
                Ty::scalar(base)
            }
        };
        let first = result(self);
        let (results, value) = if self.draw.percent(20) {
            let second = result(self);
            let parts = vec![
                self.expr(&first, Label::Any, 2),
                self.expr(&second, Label::Any, 2),
            ];
            (vec![first, second], super::super::ast::Expr::Tuple(parts))
        } else {
            let value = self.expr(&first, Label::Any, 3);
            (vec![first], value)
        };
        self.scopes = outer;
        self.script.functions.push(Function {
            name,
            sizes: if generic { vec!["k".into()] } else { vec![] },
            params,
            results,
            body,
            value,
        });
    }
}
