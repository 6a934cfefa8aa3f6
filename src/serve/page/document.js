// Marks the target of a link: every chunk that overlaps the place.

for (const text of document.querySelectorAll('.prose')) text.textContent = reflowed(text.textContent);

const chunks = [...document.querySelectorAll('section[data-place]')];

function show() {
  let fragment = location.hash.slice(1);
  try { fragment = decodeURIComponent(fragment); } catch { /* Keep it as it was sent. */ }
  const place = placeOf(fragment);
  const here = chunks.filter(chunk => overlap(place, placeOf(chunk.dataset.place)));
  for (const chunk of chunks) {
    chunk.classList.toggle('here', here.includes(chunk));
    if (here.includes(chunk)) chunk.setAttribute('aria-current', 'location');
    else chunk.removeAttribute('aria-current');
  }
  if (here.length) reach(here[0], 20);
}

// Chunks out of sight have an estimated size until they come into view, so scrolling takes a few frames.
function reach(chunk, frames) {
  const before = scrollY;
  chunk.scrollIntoView({ block: 'start' });
  if (frames > 0 && (frames > 15 || Math.abs(scrollY - before) > 1)) requestAnimationFrame(() => reach(chunk, frames - 1));
}

addEventListener('hashchange', show);
show();
