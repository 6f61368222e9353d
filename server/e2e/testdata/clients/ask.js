// Asks with a client of npm: ask.js CLIENT PORT NAME... Whatever host a client
// wants to reach, it reaches the server under test, so that nothing leaves the
// machine. Prints a JSON object a name: what the client makes of the answer.
'use strict';

const net = require('net');

const [client, port, ...names] = process.argv.slice(2);
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const done = args.flat().filter((a) => typeof a === 'function');
  return connect.call(this, { host: '127.0.0.1', port: Number(port) }, ...done);
};

const record = (fields, registrar, created, nameservers) => fields && registrar
  ? { read: 'registered', registrar, created, nameservers: [...nameservers].sort() }
  : { read: 'nothing' };

const clients = {
  whois: (name) => new Promise((resolve, reject) => {
    require('whois').lookup(name, { server: '127.0.0.1' }, (err, text) => (err ? reject(err) : resolve({ text })));
  }),
  whoiser: async (name) => {
    const answer = Object.values(await require('whoiser')(name, { host: '127.0.0.1' }))[0];
    if (answer.error) throw new Error(answer.error);
    return record(answer['Domain Name'], answer.Registrar, answer['Created Date'], answer['Name Server']);
  },
  'whois-json': async (name) => {
    const answer = await require('whois-json')(name, { server: '127.0.0.1' });
    return record(answer.domainName, answer.registrar, answer.creationDate, (answer.nameServer || '').split(' ').filter(Boolean));
  },
};

(async () => {
  for (const name of names) {
    try {
      console.log(JSON.stringify(await clients[client](name)));
    } catch (fault) {
      console.log(JSON.stringify({ read: 'error', why: String(fault.message).slice(0, 60) }));
    }
  }
})();
