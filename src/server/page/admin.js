// admin.js: asking the admin listener, with its token where it wants one. The token stays in memory.

import { byId, setText } from './dom.js';

let token;

export function heldToken() {
  return token;
}

function headers() {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Whether the admin would answer: `yes`, `token`, `forbidden` or `lost`. */
export async function access() {
  try {
    const { status } = await fetch('config', { headers: headers() });
    if (status === 401) return 'token';
    return status === 403 ? 'forbidden' : 'yes';
  } catch {
    return 'lost';
  }
}

/** Resolves with what the admin said; rejects with its error in words. Asks for the token when it is wanted. */
export async function post(path) {
  for (;;) {
    const answer = await fetch(path, { method: 'POST', headers: headers() });
    if (answer.status === 401) {
      await askForToken();
      continue;
    }
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    return body;
  }
}

let asking;

/** Resolves when one was given: whether it is the right one, the next request shows. */
export function askForToken() {
  asking ??= new Promise((resolve) => {
    const dialog = byId('token');
    const input = dialog.querySelector('input');
    setText(byId('token-why'), token === undefined ? 'This router shows its numbers to those who have its token (admin.token).' : 'That is not its token. Try again.');
    const given = (event) => {
      event.preventDefault();
      token = input.value;
      input.value = '';
      dialog.close();
    };
    // There is nothing to see without it, so nothing closes it but a token.
    const stay = (event) => event.preventDefault();
    dialog.addEventListener('cancel', stay);
    dialog.addEventListener('submit', given);
    dialog.addEventListener('close', () => {
      dialog.removeEventListener('cancel', stay);
      dialog.removeEventListener('submit', given);
      asking = undefined;
      resolve();
    }, { once: true });
    if (!dialog.open) dialog.showModal();
  });
  return asking;
}
