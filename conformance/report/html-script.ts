/** Filters the checks of the page by verdict, profile, area and text, and opens what an address points to. */
export const SCRIPT = `
'use strict';
const form = document.getElementById('filters');
const shown = document.getElementById('shown');
const none = document.getElementById('none');
const checks = [...document.querySelectorAll('.check')];
const areas = [...document.querySelectorAll('.area')];
const chips = [...form.querySelectorAll('[data-filter]')];
const texts = new Map();
const textOf = (check) => {
  if (!texts.has(check)) texts.set(check, check.textContent.toLowerCase());
  return texts.get(check);
};
let filtered = false;

function apply() {
  const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const profile = form.elements.profile.value;
  const area = form.elements.area.value;
  const verdicts = chips.filter((chip) => chip.ariaPressed === 'true').map((chip) => chip.dataset.filter);
  const active = words.length > 0 || profile !== '' || area !== '' || verdicts.length > 0;
  let count = 0;
  for (const check of checks) {
    const fits =
      (verdicts.length === 0 || verdicts.includes(check.dataset.verdict)) &&
      (profile === '' || profile === check.dataset.profile) &&
      (area === '' || area === check.dataset.area) &&
      words.every((word) => textOf(check).includes(word));
    check.hidden = !fits;
    if (fits) count += 1;
  }
  for (const part of document.querySelectorAll('[data-part]')) {
    part.hidden = !part.querySelector('.check:not([hidden])');
  }
  if (active !== filtered) for (const one of areas) one.open = active;
  filtered = active;
  shown.textContent = active ? count + ' of ' + checks.length + ' checks' : '';
  none.hidden = count > 0;
}

function follow() {
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* an address that is none points nowhere */ }
  const check = document.getElementById(id);
  if (!check || !check.classList.contains('check')) return;
  form.reset();
  for (const chip of chips) chip.ariaPressed = 'false';
  apply();
  check.closest('.area').open = true;
  check.open = true;
  check.scrollIntoView({ block: 'start' });
}

for (const chip of chips) {
  chip.addEventListener('click', () => {
    chip.ariaPressed = String(chip.ariaPressed !== 'true');
    apply();
  });
}
form.addEventListener('input', apply);
form.addEventListener('submit', (event) => event.preventDefault());
addEventListener('hashchange', follow);
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element && event.target.closest('a[href^="#"]');
  if (link && link.hash === location.hash) follow();
});
form.hidden = false;
apply();
follow();
`;
