// trusted-proxies.ts: peers whose word is taken on whom they forward for.

import { BlockList, isIPv6 } from 'node:net';

/** Whether an address is in one of these networks, each `address` or `address/bits`. An IPv4 address may come as a mapped one. */
export function trustedProxies(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return (address) => address !== '' && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
