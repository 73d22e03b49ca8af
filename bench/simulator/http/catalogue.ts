// catalogue.ts: GET /v1/models.

import type { Serving } from '../serving.ts';

export function listModels({ options, createdS }: Serving): string {
  const card = (id: string, parent: string | null): object => ({
    id,
    object: 'model',
    created: createdS,
    owned_by: 'vllm',
    root: id,
    parent,
    max_model_len: parent === null ? options.modelTokensMax : null,
    permission: [
      {
        id: `modelperm-${id.length.toString(16).padStart(16, '0')}`,
        object: 'model_permission',
        created: createdS,
        allow_create_engine: false,
        allow_sampling: true,
        allow_logprobs: true,
        allow_search_indices: false,
        allow_view: true,
        allow_fine_tuning: false,
        organization: '*',
        group: null,
        is_blocking: false,
      },
    ],
  });
  return JSON.stringify({ object: 'list', data: [card(options.model, null), ...options.loras.map((lora) => card(lora, options.model))] });
}
