use super::ExtractError;
use super::ocr::PagePicture;
use super::worker::Extracted;
pub(super) fn document(_: &[u8]) -> Result<Extracted, ExtractError> {
    Err(ExtractError::new("stub"))
}
pub(super) fn page_picture(_: &[u8], _: u32) -> Result<PagePicture, ExtractError> {
    Err(ExtractError::new("stub"))
}
