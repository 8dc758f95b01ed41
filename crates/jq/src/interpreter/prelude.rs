//! The language's own definitions, and which of them a program needs: compiling all of them would
//! cost more than most programs.

use std::collections::HashMap;

use jaq_core::load::parse::Def;

use super::syntax::{self, Parsed, Signature};

/// The definitions in their order.
pub(super) struct Prelude {
    definitions: Vec<Parsed<'static, Def<&'static str>>>,
    places: HashMap<Signature<'static>, Vec<usize>>,
}

impl Prelude {
    pub(super) fn new() -> Self {
        let definitions = syntax::definitions(include_str!("prelude.jq")).unwrap_or_default();
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, definition) in definitions.iter().enumerate() {
            let signature = (definition.content.name, definition.content.args.len());
            places.entry(signature).or_default().push(place);
        }
        Self {
            definitions,
            places,
        }
    }

    /// The definitions that `calls` may mean, with those that they need in turn.
    pub(super) fn needed<'s>(
        &'s self,
        calls: &[Signature<'s>],
    ) -> impl Iterator<Item = Def<&'s str>> {
        let mut needed = vec![false; self.definitions.len()];
        let mut open: Vec<Signature<'_>> = calls.to_vec();
        while let Some(signature) = open.pop() {
            for &place in self.places.get(&signature).into_iter().flatten() {
                if !needed[place] {
                    needed[place] = true;
                    open.extend(&self.definitions[place].calls);
                }
            }
        }
        let definitions = self.definitions.iter().zip(needed);
        let needed = definitions.filter(|(_, needed)| *needed);
        needed.map(|(definition, _)| definition.content.clone())
    }
}
