//! Types and the coins drawn from them.

use super::{Kids, Pair, Translator};
use crate::ast::{Coin, Domain, Expr, KnownTo, Type, TypeArg, TypeKind};
use crate::grammar::Rule;

impl Translator<'_> {
    pub(crate) fn ty(&self, pair: Pair<'_>) -> Option<Type> {
        let span = self.span(&pair);
        let mut kids = Kids::of(pair);
        let word = match kids.take(Rule::label_word) {
            Some(word) if word.as_str().trim() == "public" => Some(KnownTo::Public),
            Some(_) => Some(KnownTo::Secret),
            None => None,
        };
        let kind = self.type_kind(kids.next()?)?;
        let label = match kids.take(Rule::place) {
            Some(place) => Some(KnownTo::At(Box::new(self.expr(place)?))),
            None => word,
        };
        Some(Type { label, kind, span })
    }

    fn type_kind(&self, pair: Pair<'_>) -> Option<TypeKind> {
        let rule = pair.as_rule();
        let mut kids = Kids::of(pair);
        Some(match rule {
            Rule::array_ty => {
                let element = self.ty(kids.next()?)?;
                TypeKind::Array(Box::new(element), self.sizes(&mut kids)?)
            }
            Rule::tuple_ty => TypeKind::Tuple(
                kids.all(Rule::ty)
                    .into_iter()
                    .map(|ty| self.ty(ty))
                    .collect::<Option<_>>()?,
            ),
            Rule::set_ty => {
                kids.take(Rule::k_set)?;
                kids.take(Rule::k_of)?;
                TypeKind::Set(self.path(kids.take(Rule::path)?))
            }
            Rule::named_ty => {
                let path = self.path(kids.take(Rule::path)?);
                let mut args = Vec::new();
                if let Some(list) = kids.take(Rule::ty_args) {
                    for arg in list.into_inner() {
                        args.push(self.ty_arg(arg)?);
                    }
                }
                let mut indices = Vec::new();
                for index in kids.all(Rule::ty_index) {
                    indices.push(self.exprs(index)?);
                }
                TypeKind::Named {
                    path,
                    args,
                    indices,
                }
            }
            _ => return None,
        })
    }

    fn sizes(&self, kids: &mut Kids<'_>) -> Option<Vec<Expr>> {
        kids.all(Rule::size)
            .into_iter()
            .map(|size| self.expr(size))
            .collect()
    }

    fn ty_arg(&self, pair: Pair<'_>) -> Option<TypeArg> {
        let inner = pair.into_inner().next()?;
        Some(match inner.as_rule() {
            Rule::plain_ty => TypeArg::Type(self.ty(inner)?),
            _ => TypeArg::Expr(self.expr(inner)?),
        })
    }

    pub(crate) fn coin(&self, pair: Pair<'_>) -> Option<Coin> {
        let span = self.span(&pair);
        let mut kids = Kids::of(pair);
        let domain = self.domain(kids.take(Rule::domain)?)?;
        let at = match kids.take(Rule::place) {
            Some(place) => Some(self.expr(place)?),
            None => None,
        };
        Some(Coin { domain, at, span })
    }

    fn domain(&self, pair: Pair<'_>) -> Option<Domain> {
        let mut kids = Kids::of(pair);
        if let Some(array) = kids.take(Rule::nonzero_array) {
            let mut parts = Kids::of(array);
            parts.take(Rule::k_nonzero)?;
            let ty = self.ty(parts.next()?)?;
            return Some(Domain::Nonzero(ty, self.exprs(parts.next()?)?));
        }
        if kids.has(Rule::k_nonzero) {
            return Some(Domain::Nonzero(self.ty(kids.next()?)?, Vec::new()));
        }
        Some(Domain::Expr(self.expr(kids.next()?)?))
    }
}
