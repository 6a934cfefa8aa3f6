//! The tenant whose collections are used.

use super::values::LayerValues;
use super::{SettingsError, parse};
use crate::types::{collection_of_tenant, tenant_of};

/// The tenant, from its own setting or from the named collection.
pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Option<String>, SettingsError> {
    if let Some(tenant) = values.optional("tenant", parse::tenant)? {
        return Ok(Some(tenant));
    }
    let collection = values.parsed("collection", parse::collection_or_tenants)?;
    Ok(tenant_of(&collection).map(str::to_owned))
}

/// The collection of the setting `collection`, of the tenant.
pub(super) fn collection(
    values: &LayerValues<'_>,
    name: &str,
    tenant: Option<&str>,
) -> Result<String, SettingsError> {
    let collection = values.parsed(name, parse::collection_or_tenants)?;
    of_tenant(values, name, &collection, tenant)
}

/// The collection that a setting names, of the tenant.
pub(super) fn of_tenant(
    values: &LayerValues<'_>,
    name: &str,
    collection: &str,
    tenant: Option<&str>,
) -> Result<String, SettingsError> {
    let Some((own, other)) = tenant.zip(tenant_of(collection)).filter(|(own, of)| own != of) else {
        return Ok(collection_of_tenant(collection, tenant));
    };
    Err(values.at_odds(
        &[name, "tenant"],
        format!("the tenant is `{own}`, but `{collection}` is a collection of `{other}`"),
        "name only one tenant, with --tenant (or DOCENT_TENANT) or in the name of the collection",
    ))
}
