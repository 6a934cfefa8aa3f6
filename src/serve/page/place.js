// Places in a document, in the form that follows the `#` of a link.

// `{ unit, within, from, to, area }`; null if it is not a place. Places of one unit and within the same
// part may overlap.
function placeOf(fragment) {
  let found = fragment.match(/^L(\d+)(?:-L(\d+))?$/);
  const range = (unit, within = '') => ({ unit, within, from: +found[1], to: +(found[2] ?? found[1]) });
  if (found) return range('line');
  if ((found = fragment.match(/^page=(\d+)(?:&viewrect=(\d+),(\d+),(\d+),(\d+))?$/))) {
    const area = found[2] === undefined ? null : found.slice(2).map(Number);
    return { unit: 'page', within: '', from: +found[1], to: +found[1], area };
  }
  if ((found = fragment.match(/^(?:para|slide|cell|record|section)=(\d+)(?:-(\d+))?$/))) return range(fragment.split('=')[0]);
  if ((found = fragment.match(/^sheet=\d+&rows=(\d+)(?:-(\d+))?$/))) return range('row', fragment.split('&')[0]);
  if ((found = fragment.match(/^message=(\d+)$/))) return range('message');
  if ((found = fragment.match(/^message=\d+&attachment=(\d+)$/))) return range('attachment', fragment.split('&')[0]);
  if ((found = fragment.match(/^t=(\d+),(\d+)$/))) return { unit: 'second', within: '', from: +found[1], to: Math.max(+found[1], found[2] - 1) };
  return null;
}

function overlap(one, other) {
  if (!one || !other || one.unit !== other.unit || one.within !== other.within) return false;
  if (one.from > other.to || other.from > one.to) return false;
  if (!one.area || !other.area) return true;
  const [[left, top, width, height], [left2, top2, width2, height2]] = [one.area, other.area];
  return left < left2 + width2 && left2 < left + width && top < top2 + height2 && top2 < top + height;
}

// The part of a citation that follows its source.
const fragmentOf = (citation, source) => citation.slice(source.length).replace(/^[:#]/, '');

