//! Whether arguments fit the parameters of a protocol, and what its names mean then.

use super::*;

impl<'a> Elab<'a> {
    pub(super) fn try_bind(
        &mut self,
        function: &'a Function,
        call: &Call<'_>,
        caller: &Frame,
    ) -> Result<Match<'a>, Misfit> {
        let (args, generics) = (&call.args, call.generics);
        let mut frame = Frame {
            offline: caller.offline || function.modifier == Some(Modifier::Offline),
            ..Frame::default()
        };
        for generic in &function.generics {
            if bound_name(generic) == Some("Scheme") {
                frame.schemes.push(generic.name.name.clone());
            }
        }
        if generics.len() > function.generics.len() {
            return Err(None);
        }
        for (generic, arg) in function.generics.iter().zip(generics) {
            match arg {
                GenericArg::Elem(elem) => {
                    frame.elems.insert(generic.name.name.clone(), *elem);
                }
                GenericArg::Value(value) => {
                    let party = bound_name(generic) == Some("party");
                    if party != matches!(value, Value::Party(_)) {
                        return Err(None);
                    }
                    frame.set(&generic.name.name, Vec::new(), value.clone());
                }
            }
        }
        // `share` into the scheme of the variable assigned.
        if let (Some(wanted), Some(result)) = (&call.wanted, function.results.first())
            && !self.match_scheme(&result.ty, wanted, &mut frame)
        {
            return Err(None);
        }
        let params: Vec<(&str, &Type)> = function
            .params
            .iter()
            .flat_map(|group| {
                group
                    .names
                    .iter()
                    .map(move |name| (name.ident.name.as_str(), &group.ty))
            })
            .collect();
        if params.len() != args.len()
            || function
                .params
                .iter()
                .any(|g| g.comp.is_some() || g.names.iter().any(|name| !name.indices.is_empty()))
        {
            return Err(None);
        }
        let mut score = 0;
        let mut late = Vec::new();
        for (at, ((name, ty), arg)) in params.iter().zip(args).enumerate() {
            let value = match (named_type(ty), arg) {
                (Some("int"), Value::Int(_) | Value::Scalar(_)) => arg.clone(),
                (Some("party"), Value::Party(_)) => arg.clone(),
                (Some("int" | "party"), _) => return Err(None),
                _ => {
                    let (inner, rows) = match &ty.kind {
                        TypeKind::Array(inner, sizes) => {
                            for size in sizes {
                                if let Some(size) = plain(size) {
                                    frame.set(size, Vec::new(), Value::Rows);
                                }
                            }
                            (&**inner, true)
                        }
                        _ => (*ty, false),
                    };
                    match (self.scheme_type(inner, &frame), arg) {
                        (Some(_), Value::Share(share)) => {
                            // A tensor is one element to a protocol on elements; a call is a row of
                            // what a deferred protocol gets.
                            let lifted =
                                share.rows || function.modifier == Some(Modifier::Deferred);
                            if share.rows != rows && !lifted
                                || !self.match_scheme(inner, &share.instance, &mut frame)
                            {
                                return Err(None);
                            }
                            Value::Share(Share {
                                rows,
                                ..share.clone()
                            })
                        }
                        (Some((family, scheme_arg, _)), Value::Clear(id)) if !rows => {
                            let (elem, span) = (self.b.elem(*id), ty.span);
                            if !self.match_arg(scheme_arg, elem, &mut frame) {
                                return Err(None);
                            }
                            let instance = match family {
                                FamilyName::Named(name) => self.instance(&name, elem, &[], span),
                                FamilyName::Bound => self.carrier(elem, span),
                            };
                            let share = instance
                                .and_then(|instance| self.embed(*id, &instance, span))
                                .map_err(|_| None)?;
                            Value::Share(share)
                        }
                        (None, Value::Clear(id)) => {
                            if !self.match_type(inner, self.b.elem(*id), &mut frame) {
                                return Err(None);
                            }
                            let known = self.b.known(*id);
                            score += self.match_label(inner, known, function, &mut frame, at)?;
                            arg.clone()
                        }
                        (None, Value::Int(_) | Value::Scalar(_) | Value::Power(_)) => {
                            late.push((name.to_string(), inner, arg.clone(), at));
                            continue;
                        }
                        _ => return Err(None),
                    }
                }
            };
            frame.set(name, Vec::new(), value);
        }
        for (name, ty, value, at) in late {
            let elem = self.elem_of_type(ty, &mut frame).map_err(|_| None)?;
            let id = self.clear(value, elem, ty.span).map_err(|_| None)?;
            score += self.match_label(ty, self.b.known(id), function, &mut frame, at)?;
            frame.set(&name, Vec::new(), Value::Clear(id));
        }
        // What the arguments do not fix is as in the caller: R and k of `triple()`.
        for (name, elem) in &caller.elems {
            frame.elems.entry(name.clone()).or_insert(*elem);
        }
        frame.inherited.clone_from(&caller.inherited);
        for (name, family) in &caller.vars {
            if let Some(Value::Int(value)) = family.get(&Vec::new()) {
                frame.inherited.insert(name.clone(), *value);
            }
        }
        let open = |generic: &Generic| {
            let name = &generic.name.name;
            frame.get(name).is_none()
                && !frame.elems.contains_key(name)
                && !frame.inherited.contains_key(name)
                && !frame.schemes.contains(name)
        };
        if function.generics.iter().any(open) || self.refused(function, &mut frame) {
            return Err(None);
        }
        Ok(Match {
            function,
            frame,
            score,
        })
    }

    /// Matches `@ place` with who knows the argument; owners as parameters are bound to the
    /// lowest party that does. More specific places score higher.
    fn match_label(
        &mut self,
        ty: &Type,
        known: PartySet,
        function: &Function,
        frame: &mut Frame,
        at: usize,
    ) -> Result<u32, Misfit> {
        let Some(KnownTo::At(place)) = &ty.label else {
            return Ok(0);
        };
        let free = |name: &str, frame: &Frame| {
            frame.get(name).is_none() && function.generics.iter().any(|g| g.name.name == name)
        };
        if let Some(name) = plain(place)
            && free(name, frame)
        {
            let party = known.iter().next().ok_or(None)?;
            frame.set(name, Vec::new(), Value::Party(party));
            return Ok(1);
        }
        if let ExprKind::Index { base, indices } = &place.kind
            && plain(base) == Some(self.def.parties.name.as_str())
            && let [one] = indices.as_slice()
            && let Some(name) = plain(&one.value)
            && free(name, frame)
        {
            let lowest = known.intersection(self.computing()).iter().next();
            let party = lowest.ok_or(None)?;
            frame.set(name, Vec::new(), Value::Int(i128::from(party.0)));
            return Ok(2);
        }
        let needed = self.parties(place, frame).map_err(|_| None)?;
        if needed.is_subset(known) {
            Ok(3)
        } else {
            Err(Some((at, needed)))
        }
    }
}

pub(super) fn named_type(ty: &Type) -> Option<&str> {
    match &ty.kind {
        TypeKind::Named { path, indices, .. } if indices.is_empty() => {
            path.segments.last().map(|s| s.name.as_str())
        }
        _ => None,
    }
}
