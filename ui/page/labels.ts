// Tags and a note of a run, written into the store: the only thing that this page changes.

/** Opens the dialog for the run of a button; `saved` is called when it has been kept. */
export function openLabels(button: HTMLElement, saved: () => Promise<void>): void {
  const dialog = document.getElementById('labels') as HTMLDialogElement;
  const field = (name: string) => dialog.querySelector(`[name=${name}]`) as HTMLInputElement | HTMLTextAreaElement;
  const fault = dialog.querySelector('[role=alert]') as HTMLElement;
  const run = button.dataset.run ?? '';
  const title = dialog.querySelector('h2');
  if (title !== null) title.textContent = run;
  field('tags').value = button.dataset.tags ?? '';
  field('note').value = button.dataset.note ?? '';
  fault.textContent = '';
  const form = dialog.querySelector('form') as HTMLFormElement;
  form.onsubmit = (event) => {
    if ((event as SubmitEvent).submitter?.getAttribute('value') === 'cancel') return;
    event.preventDefault();
    const tags = field('tags')
      .value.split(/[\s,#]+/)
      .filter((tag) => tag !== '');
    void send({ run, tags, note: field('note').value }).then(async (trouble) => {
      fault.textContent = trouble;
      if (trouble !== '') return;
      dialog.close();
      await saved();
    });
  };
  dialog.showModal();
  field('tags').focus();
}

/** A sentence where it was refused. */
async function send(labels: { run: string; tags: string[]; note: string }): Promise<string> {
  try {
    const answer = await fetch('/labels', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(labels),
    });
    return answer.ok ? '' : ((await answer.json()) as { error: string }).error;
  } catch (error) {
    return `the server does not answer: ${error instanceof Error ? error.message : error}`;
  }
}
