// models-answer.ts: the list of models, in OpenAI's shape.

export interface ModelsAnswer {
  readonly object: 'list';
  readonly data: readonly { readonly id: string; readonly object: 'model'; readonly created: number; readonly owned_by: string }[];
}

/** `createdS`: seconds since 1970. */
export function modelsAnswer(names: readonly string[], createdS: number): ModelsAnswer {
  return { object: 'list', data: names.map((id) => ({ id, object: 'model', created: createdS, owned_by: 'warmroute' })) };
}
