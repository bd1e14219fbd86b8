//! Element-wise operations of one shape gathered to passes over memory.
//!
//! An operation joins the open pass of its shape, whatever stands between them, as long as nothing
//! in between reads the pass's results.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use smpc_ir::Size;
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{Elem, Origin, Value};

use crate::facts::Facts;
use crate::formula::fits;
use crate::needed::reads;
use crate::project::Act;

/// Operations of a pass at most.
const LARGEST: usize = 64;
/// Arguments and coins of a pass at most.
const WIDEST: usize = 24;

/// Several operations on elements.
#[derive(Clone, Debug)]
pub(crate) struct Pass<'p> {
    pub members: Vec<Member<'p>>,
    /// Tensors that it reads, in the order of reading.
    pub args: Vec<Value>,
    /// Coins that it draws.
    pub coins: Vec<Value>,
    /// What is read outside of it.
    pub outputs: Vec<Value>,
    pub source: Source,
}

/// An operation of a pass.
#[derive(Clone, Debug)]
pub(crate) struct Member<'p> {
    pub op: &'p Local,
    pub prim: Prim,
    pub args: Vec<Value>,
    pub result: Value,
    pub source: Source,
    pub origin: Option<Origin>,
}

/// Operations that may share a pass: of one shape, of words or of one wide type.
type Class = (Vec<Size>, Option<Elem>);

struct Open<'p> {
    class: Class,
    pass: Pass<'p>,
    inner: HashSet<Value>,
    /// How often it reads what it computes.
    read: HashMap<Value, usize>,
}

struct Fuser<'p, 'f> {
    facts: &'f Facts<'f>,
    /// How often each value is read, here and later.
    read: &'f HashMap<Value, usize>,
    out: Vec<Act<'p>>,
    open: BTreeMap<usize, Open<'p>>,
    by_class: HashMap<Class, usize>,
    of: HashMap<Value, usize>,
    opened: usize,
}

/// Gathers a list of acts without messages. `read` counts all readers of each value.
pub(crate) fn fuse<'p>(
    facts: &Facts<'_>,
    read: &HashMap<Value, usize>,
    acts: Vec<Act<'p>>,
) -> Vec<Act<'p>> {
    let mut fuser = Fuser {
        facts,
        read,
        out: Vec::with_capacity(acts.len()),
        open: BTreeMap::new(),
        by_class: HashMap::default(),
        of: HashMap::default(),
        opened: 0,
    };
    for act in acts {
        fuser.act(act);
    }
    while let Some(id) = fuser.open.keys().next().copied() {
        fuser.close(id);
    }
    fuser.out
}

/// The elements of a pass: words of at most 64 bits, or one wide type.
fn width(elem: Elem) -> Option<Option<Elem>> {
    match elem {
        Elem::Ring(1..=64) | Elem::Bits(1..=64) => Some(None),
        Elem::Ring(_) | Elem::Bits(_) => Some(Some(elem)),
        _ => None,
    }
}

impl<'p> Fuser<'p, '_> {
    fn act(&mut self, act: Act<'p>) {
        match self.member(&act) {
            Some((class, member)) => self.join(class, member),
            None => {
                let mut ids = vec![];
                reads(&act, &mut |value, _| ids.extend(self.of.get(&value)));
                for id in ids {
                    self.close(id);
                }
                self.out.push(act);
            }
        }
    }

    /// The act as an operation of a pass, if it can be one.
    fn member(&self, act: &Act<'p>) -> Option<(Class, Member<'p>)> {
        let Act::Local {
            op,
            args,
            result,
            source,
            origin,
        } = act
        else {
            return None;
        };
        let Local::Prim(prim) = op else {
            return None;
        };
        let facts = self.facts;
        let shape = facts.shape(*result);
        let width = width(facts.elem(*result))?;
        let alike = |arg: &Value| {
            let own = facts.shape(*arg);
            // A coin is drawn by the block, one element for each of the pass's.
            let repeated = facts.literal(*arg).is_none() && !facts.is_reserved(*arg);
            let shaped = own == shape || (own.is_empty() && repeated);
            let literal = facts.literal(*arg).is_some();
            (shaped || literal) && self::width(facts.elem(*arg)) == Some(width)
        };
        // The amount of a shift is no element.
        let elements = match prim {
            Prim::Shl | Prim::Shr | Prim::ShrLogical => args.get(..1)?,
            _ => &args[..],
        };
        if !elements.iter().all(alike) || !fits(facts, *prim, args, *result) {
            return None;
        }
        let member = Member {
            op,
            prim: *prim,
            args: args.clone(),
            result: *result,
            source: *source,
            origin: *origin,
        };
        Some(((shape.to_vec(), width), member))
    }

    fn join(&mut self, class: Class, member: Member<'p>) {
        let own = self.by_class.get(&class).copied();
        for arg in &member.args {
            if let Some(id) = self.of.get(arg).copied()
                && Some(id) != own
            {
                self.close(id);
            }
        }
        if let Some(id) = self.by_class.get(&class).copied()
            && self.open.get(&id).is_some_and(|open| {
                let read = open.pass.args.len() + open.pass.coins.len();
                open.pass.members.len() >= LARGEST || read + member.args.len() > WIDEST
            })
        {
            self.close(id);
        }
        let id = match self.by_class.get(&class).copied() {
            Some(id) => id,
            None => {
                self.opened += 1;
                let pass = Pass {
                    members: vec![],
                    args: vec![],
                    coins: vec![],
                    outputs: vec![],
                    source: member.source,
                };
                let open = Open {
                    class: class.clone(),
                    pass,
                    inner: HashSet::default(),
                    read: HashMap::default(),
                };
                self.open.insert(self.opened, open);
                self.by_class.insert(class, self.opened);
                self.opened
            }
        };
        let Some(open) = self.open.get_mut(&id) else {
            return;
        };
        for arg in &member.args {
            if open.inner.contains(arg) {
                *open.read.entry(*arg).or_default() += 1;
                continue;
            }
            if self.facts.literal(*arg).is_some() {
                continue;
            }
            let into = if self.facts.is_reserved(*arg) {
                &mut open.pass.coins
            } else {
                &mut open.pass.args
            };
            if !into.contains(arg) {
                into.push(*arg);
            }
        }
        self.of.insert(member.result, id);
        open.inner.insert(member.result);
        open.pass.members.push(member);
    }

    fn close(&mut self, id: usize) {
        let Some(Open {
            class,
            mut pass,
            read,
            ..
        }) = self.open.remove(&id)
        else {
            return;
        };
        self.by_class.remove(&class);
        for member in &pass.members {
            self.of.remove(&member.result);
            let all = self.read.get(&member.result).copied().unwrap_or(0);
            if all > read.get(&member.result).copied().unwrap_or(0) {
                pass.outputs.push(member.result);
            }
        }
        let facts = self.facts;
        // Something it reads has to have the shape of the whole.
        let mut given = pass.args.iter().chain(&pass.coins);
        let shaped = given.any(|v| facts.shape(*v) == class.0);
        let several = pass.members.len() > 1 || !pass.coins.is_empty();
        if shaped && several && !pass.outputs.is_empty() {
            self.out.push(Act::Pass(pass));
            return;
        }
        let single = pass.members.into_iter().map(|member| Act::Local {
            op: member.op,
            args: member.args,
            result: member.result,
            source: member.source,
            origin: member.origin,
        });
        self.out.extend(single);
    }
}
