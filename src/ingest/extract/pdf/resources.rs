//! The fonts that a page and the forms on it name.

use hayro_interpret::hayro_syntax::object::{Dict, Stream};
use hayro_interpret::hayro_syntax::page::Resources;

/// Deepest nesting of forms that are searched for fonts, and most forms.
const MAX_DEPTH: usize = 6;
const MAX_FORMS: usize = 200;

pub(super) fn each_font<'a>(resources: &Resources<'a>, take: &mut impl FnMut(&Dict<'a>)) {
    collect(resources, take, 0, &mut 0);
}

fn collect<'a>(
    resources: &Resources<'a>,
    take: &mut impl FnMut(&Dict<'a>),
    depth: usize,
    forms: &mut usize,
) {
    for (name, _) in resources.fonts.entries() {
        if let Some(font) = resources.fonts.get::<Dict<'_>>(name.as_ref()) {
            take(&font);
        }
    }
    for (name, _) in resources.x_objects.entries() {
        *forms += 1;
        if depth == MAX_DEPTH || *forms > MAX_FORMS {
            return;
        }
        let form = resources.x_objects.get::<Stream<'_>>(name.as_ref());
        if let Some(inner) = form.and_then(|form| form.dict().get::<Dict<'_>>(b"Resources")) {
            collect(&Resources::new(inner), take, depth + 1, forms);
        }
    }
}
