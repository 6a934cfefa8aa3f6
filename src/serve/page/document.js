// Shows where a link leads: every chunk that has something of the place.

for (const text of document.querySelectorAll('.prose')) text.textContent = reflowed(text.textContent);

const chunks = [...document.querySelectorAll('section[data-place]')];

function show() {
  let fragment = location.hash.slice(1);
  try { fragment = decodeURIComponent(fragment); } catch { /* It is as it was sent. */ }
  const place = placeOf(fragment);
  const here = chunks.filter(chunk => overlap(place, placeOf(chunk.dataset.place)));
  for (const chunk of chunks) {
    chunk.classList.toggle('here', here.includes(chunk));
    if (here.includes(chunk)) chunk.setAttribute('aria-current', 'location');
    else chunk.removeAttribute('aria-current');
  }
  if (here.length) reach(here[0], 20);
}

// What is out of sight has a size that is guessed until it comes into sight: so it takes a few frames.
function reach(chunk, frames) {
  const before = scrollY;
  chunk.scrollIntoView({ block: 'start' });
  if (frames > 0 && (frames > 15 || Math.abs(scrollY - before) > 1)) requestAnimationFrame(() => reach(chunk, frames - 1));
}

addEventListener('hashchange', show);
show();
