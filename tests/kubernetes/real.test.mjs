// The login cases of the end-to-end tests against a real API server (1.20: it
// knows no SelfSubjectReview), and that server when it or its etcd hangs.
import fs from 'node:fs';
import { after, before } from 'node:test';
import { temporaryDir } from '../e2e/lib/doorward.mjs';
import { loginCases, outageCase, seed, setUpWith } from '../e2e/lib/login-cases.mjs';
import { RealCluster } from './lib/real-cluster.mjs';

let dir, cluster;
before(async () => {
  dir = temporaryDir();
  cluster = new RealCluster({ dir, state: process.env.DOORWARD_KUBERNETES_STATE, port: process.env.DOORWARD_KUBERNETES_PORT });
  await cluster.ready();
  await seed(cluster);
});
after(() => {
  cluster.close();
  fs.rmSync(dir, { recursive: true });
});

for (const [label, clusterToken] of [['TokenReview', true], ['SelfSubjectAccessReview', false]]) {
  const setUp = (t) => setUpWith(t, cluster, { clusterToken });
  loginCases(label, setUp);
  for (const process of ['etcd', 'apiserver'])
    outageCase(`${label}: ${process} hangs`, setUp, {
      begin: () => cluster.signal(process, 'SIGSTOP'),
      end: () => cluster.signal(process, 'SIGCONT'),
    });
}
