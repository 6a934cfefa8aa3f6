// Shows where a link leads: every chunk that has something of the place.

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
  here[0]?.scrollIntoView({ block: 'start' });
}

addEventListener('hashchange', show);
show();
