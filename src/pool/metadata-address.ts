// metadata-address.ts: addresses at which clouds hand out credentials. No vLLM is there, and a name server must not lead us there.

import { BlockList, isIPv6 } from 'node:net';

const METADATA = new BlockList();
METADATA.addSubnet('169.254.0.0', 16, 'ipv4');
METADATA.addSubnet('fe80::', 10, 'ipv6');
METADATA.addAddress('fd00:ec2::254', 'ipv6');
METADATA.addAddress('fd20:ce::254', 'ipv6');

/** Also when an IPv4 address is written as IPv6. */
export function isMetadataAddress(ip: string): boolean {
  return METADATA.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
}
