// A thread that ends its process when the one that started it is gone: a library that hangs hears no message.
const parent = process.ppid;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500);
