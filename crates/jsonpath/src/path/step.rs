//! What a compiled path consists of. Holds no state of an evaluation.

use std::sync::Arc;

use super::filter::Predicate;
use super::function::Call;

/// A path, or one within a filter or an argument.
#[derive(Debug, Clone)]
pub(super) struct CompiledPath {
    /// Number among the paths of one compilation.
    pub(super) id: usize,
    /// Whether it begins with `$`, not `@`.
    pub(super) from_root: bool,
    pub(super) steps: Vec<Arc<Step>>,
    pub(super) definite: bool,
    /// The index that the step before the last selects, where it is a single index.
    pub(super) index_before_last: Option<i64>,
}

/// One step of a path.
#[derive(Debug)]
pub(super) struct Step {
    /// Number among the steps of one compilation.
    pub(super) id: usize,
    /// Whether all steps before it are definite.
    pub(super) upstream_definite: bool,
    pub(super) kind: StepKind,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum StepKind {
    Names(Vec<String>),
    Indexes(Vec<i64>),
    Slice {
        from: Option<i64>,
        to: Option<i64>,
    },
    Wildcard,
    /// `..`: the step that follows is tried on every container below.
    Descent,
    Filter(Predicate),
    Function(Call),
}

impl StepKind {
    /// Several names are definite in the last place, where they give one object.
    pub(super) fn is_definite(&self, last: bool) -> bool {
        match self {
            Self::Names(names) => names.len() == 1 || last,
            Self::Indexes(indexes) => indexes.len() == 1,
            Self::Function(_) => true,
            Self::Slice { .. } | Self::Wildcard | Self::Descent | Self::Filter(_) => false,
        }
    }

    pub(super) fn single_index(&self) -> Option<i64> {
        match self {
            Self::Indexes(indexes) if indexes.len() == 1 => indexes.first().copied(),
            _ => None,
        }
    }
}

impl CompiledPath {
    pub(super) fn ends_in_function(&self) -> bool {
        self.steps
            .last()
            .is_some_and(|step| matches!(step.kind, StepKind::Function(_)))
    }

    /// The same path with a wildcard behind it. Jayway has decided before whether the path is
    /// definite, and which its last step is; a path without steps stays as it is.
    pub(super) fn children(&self, wildcard_id: usize) -> Self {
        let mut children = self.clone();
        if !children.steps.is_empty() {
            children.steps.push(Arc::new(Step {
                id: wildcard_id,
                upstream_definite: false,
                kind: StepKind::Wildcard,
            }));
        }
        children
    }
}
