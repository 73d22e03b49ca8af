import * as fc from 'fast-check';
import { test } from 'tap';
import { tenantSalt } from '../../../src/proxy/tenant-salt.ts';

test('the salt is the same for the same fields and another for others, however they are cut', (t) => {
  const field = fc.string({ unit: fc.constantFrom('a', 'b', ':', '1', '\u0000'), maxLength: 4 });
  fc.assert(
    fc.property(field, field, field, field, (tenant, own, otherTenant, otherOwn) => {
      const isSame = tenant === otherTenant && own === otherOwn;
      return isSame === (tenantSalt('secret', tenant, own) === tenantSalt('secret', otherTenant, otherOwn));
    }),
    { numRuns: 2_000 },
  );
  t.not(tenantSalt('secret', 'ab', 'c'), tenantSalt('secret', 'a', 'bc'));
  t.not(tenantSalt('secret', 'a', ''), tenantSalt('another', 'a', ''));
  t.match(tenantSalt('secret', 'a', ''), /^[0-9a-f]{64}$/);
  t.end();
});
