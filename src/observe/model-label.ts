// model-label.ts: keeps the number of series bounded, whatever names engines and configuration come up with.

const LABEL_BYTES_MAX = 128;

/**
 * Gives the label for a model's name: the name itself for the first `modelsMax` different ones, `other` for later ones and for names
 * over 128 bytes, `none` for no name.
 *
 * Sticky: a name that has a series keeps it, because one that comes and goes would make every rate wrong.
 */
export function modelLabels(modelsMax: number): (model: string) => string {
  const seen = new Set<string>();
  return (model) => {
    if (seen.has(model)) return model;
    if (model === '') return 'none';
    if (seen.size >= modelsMax || Buffer.byteLength(model) > LABEL_BYTES_MAX) return 'other';
    seen.add(model);
    return model;
  };
}
