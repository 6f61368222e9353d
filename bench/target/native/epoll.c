/* The WHOIS reference c-epoll: the system calls of null-raw with nothing between them.
 * It sends a constant to whoever sends a line.
 *
 *     epoll ADDRESS FILE     an IPv4 address and a file with the answer
 *
 * It takes a port of its own choice, tells it as a line, and runs until it is ended. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, LINE = 512, EVENTS = 64 };

static char answer[16 << 10]; /* shorter than any send buffer: it is taken whole or not at all */
static size_t length;
static int poller;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void await(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll_ctl");
}

/* serve answers conn if the end of its line is there; known if it is in the poller. */
static void serve(int conn, int known)
{
	char line[LINE];
	ssize_t n = read(conn, line, sizeof line);
	if (n < 0 && errno != EAGAIN)
		n = 0;
	if (n != 0 && (n < 0 || memchr(line, '\n', n) == NULL)) {
		if (!known)
			await(conn);
		return;
	}
	if (n > 0)
		send(conn, answer, length, MSG_NOSIGNAL | MSG_MORE); /* or nobody is there any more */
	close(conn);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof at;
	int one = 1, listener;
	FILE *file;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 || (file = fopen(argv[2], "r")) == NULL)
		fail("usage: epoll ADDRESS FILE");
	length = fread(answer, 1, sizeof answer, file);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one) < 0 ||
	    bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, BACKLOG) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &size) < 0)
		fail("listen");
	if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0)
		fail("epoll_create1");
	await(listener);
	printf("%s:%d\n", argv[1], ntohs(at.sin_port));
	fflush(stdout);

	for (;;) {
		struct epoll_event events[EVENTS];
		int ready = epoll_wait(poller, events, EVENTS, -1);
		if (ready < 0 && errno != EINTR)
			fail("epoll_wait");
		for (int i = 0; i < ready; i++) {
			int conn;
			if (events[i].data.fd != listener) {
				serve(events[i].data.fd, 1);
				continue;
			}
			while ((conn = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
				serve(conn, 0);
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				fail("accept4");
		}
	}
}
