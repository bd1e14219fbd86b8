//! The constant that says what a program is started with.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use smpc_ir::party::{OutputInfo, Program};
use smpc_ir::share::{SizeOrigin, Type};
use smpc_ir::{Identity, Size};

use crate::formula::signed;
use crate::typed::script_type;

/// An optional literal.
pub(crate) fn optional(value: Option<i128>) -> TokenStream {
    match value {
        Some(value) => {
            let value = signed(value);
            quote!(Some(#value))
        }
        None => quote!(None),
    }
}

pub(crate) fn description(program: &Program, identity: &Identity) -> TokenStream {
    let axes = program.sizes.iter().filter_map(|info| match info.origin {
        SizeOrigin::Input { input, axis } => {
            let (name, input) = (&info.name, Literal::u32_unsuffixed(input));
            let axis = Literal::u8_unsuffixed(axis);
            Some(quote!(command::Public {
                name: #name,
                origin: command::Origin::Axis { input: #input, axis: #axis },
            }))
        }
        _ => None,
    });
    let params = program.params.iter().map(|param| {
        let (name, default) = (&param.name, optional(param.default));
        let origin = match param.ty {
            Type::Fix(_) => quote!(Fixed(#default)),
            Type::Int => quote!(Integer(#default)),
            Type::Bits(width) => {
                let width = Literal::u8_unsuffixed(width);
                quote!(Bits(#width, #default))
            }
        };
        quote!(command::Public { name: #name, origin: command::Origin::#origin })
    });
    let publics: Vec<_> = axes.chain(params).collect();
    let (inputs, outputs) = (inputs(program), outputs(program));
    let Identity {
        language,
        script: (name, script),
        scheme: (scheme, scheme_digest),
        program: digest,
    } = identity;
    let (script, scheme_digest, digest) = (bytes(script), bytes(scheme_digest), bytes(digest));
    quote!(command::Description {
        name: #name,
        language: #language,
        script: #script,
        scheme: (#scheme, #scheme_digest),
        program: #digest,
        parties: &party::NAMES,
        publics: &[#(#publics),*],
        inputs: &[#(#inputs),*],
        outputs: &[#(#outputs),*],
    })
}

/// The outputs, in the order in which `raw::Outputs` lists them.
fn outputs(program: &Program) -> Vec<TokenStream> {
    let all = smpc_ir::party::outputs(program).into_iter();
    all.map(|output| {
        let OutputInfo {
            name,
            field,
            label,
            ty,
            text,
            repeated,
            all,
            receivers,
        } = output;
        let receivers = Literal::u128_unsuffixed(receivers.bits());
        let field = match field {
            Some((at, of)) => {
                let (at, of) = (Literal::u16_unsuffixed(at), Literal::u16_unsuffixed(of));
                quote!(Some((#at, #of)))
            }
            None => quote!(None),
        };
        let ty = script_type(ty);
        quote!(command::OutputInfo {
            name: #name,
            field: #field,
            label: #label,
            ty: command::Type::#ty,
            text: #text,
            repeated: #repeated,
            all: #all,
            receivers: command::PartySet::from_bits(#receivers),
        })
    })
    .collect()
}

fn inputs(program: &Program) -> Vec<TokenStream> {
    let all = program.inputs.iter();
    all.map(|input| {
        let party = Literal::u8_unsuffixed(input.party);
        let rank = Literal::usize_unsuffixed(input.shape.len());
        let (file, shown, text) = (&input.file, input.shown(&program.sizes), input.text);
        let ring_bits = Literal::u8_unsuffixed(program.ring_bits);
        let modulus = modulus(program);
        let ty = script_type(input.ty);
        let column = match &input.column {
            Some(column) => quote!(Some(#column)),
            None => quote!(None),
        };
        let axes = input.shape.iter().map(|dim| axis(program, dim));
        quote!(command::Input {
            party: #party,
            file: #file,
            column: #column,
            ty: command::Type::#ty,
            text: #text,
            ring_bits: #ring_bits,
            modulus: #modulus,
            rank: #rank,
            shown: #shown,
            axes: &[#(#axes),*],
        })
    })
    .collect()
}

/// p of a backend over a prime field.
fn modulus(program: &Program) -> TokenStream {
    match program.modulus().map(Literal::u128_unsuffixed) {
        Some(p) => quote!(Some(#p)),
        None => quote!(None),
    }
}

/// The position among the sizes of inputs of a dimension that is one of them.
fn axis(program: &Program, dim: &Size) -> TokenStream {
    let of_inputs = program.sizes.iter().enumerate();
    let of_inputs = of_inputs.filter(|(_, s)| matches!(s.origin, SizeOrigin::Input { .. }));
    let position = of_inputs
        .map(|(var, _)| var)
        .position(|var| u32::try_from(var).is_ok_and(|v| *dim == smpc_ir::SizeVar(v).into()));
    match position {
        Some(position) => {
            let position = Literal::usize_unsuffixed(position);
            quote!(Some(#position))
        }
        None => quote!(None),
    }
}

/// A digest as a literal.
fn bytes(digest: &[u8; 32]) -> TokenStream {
    let bytes = digest.iter().map(|b| Literal::u8_unsuffixed(*b));
    quote!([#(#bytes),*])
}
