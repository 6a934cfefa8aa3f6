"""Clients for Python of the revisions with a handshake, unmodified."""

import json

from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from checks import BACKUPS, DOCENT, HEADERS, QUESTION, TOOLS, URL, check, run
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


async def uses(session):
    await session.initialize()
    assert [tool.name for tool in (await session.list_tools()).tools] == TOOLS
    found = await session.call_tool("search", {"query": QUESTION})
    assert not found.isError and json.loads(found.content[0].text) == found.structuredContent
    read = await session.call_tool("fetch", {"id": BACKUPS})
    assert "400 days" in read.structuredContent["text"]
    answer = await session.call_tool("ask", {"question": QUESTION})
    assert answer.structuredContent["citations"][0]["verified"]
    text = (await session.read_resource("docent://docent/" + BACKUPS)).contents[0].text
    assert "400 days" in text


@check
async def mcp_over_stdio():
    async with stdio_client(StdioServerParameters(command=DOCENT, args=["mcp"])) as (read, write):
        async with ClientSession(read, write) as session:
            await uses(session)


@check
async def mcp_over_http():
    async with streamablehttp_client(URL, headers=HEADERS) as (read, write, _):
        async with ClientSession(read, write) as session:
            await uses(session)


@check
async def langchain_adapters():
    client = MultiServerMCPClient({
        "stdio": {"transport": "stdio", "command": DOCENT, "args": ["mcp"]},
        "http": {"transport": "streamable_http", "url": URL, "headers": HEADERS},
    })
    for server in ("stdio", "http"):
        tools = await client.get_tools(server_name=server)
        assert [tool.name for tool in tools] == TOOLS
        assert "400 days" in str(await tools[1].ainvoke({"id": BACKUPS}))


@check
async def openai_agents():
    stdio = MCPServerStdio(params={"command": DOCENT, "args": ["mcp"]})
    http = MCPServerStreamableHttp(params={"url": URL, "headers": HEADERS})
    for server in (stdio, http):
        async with server:
            assert [tool.name for tool in await server.list_tools()] == TOOLS
            said = await server.call_tool("search", {"query": QUESTION})
            assert not said.isError


run("mcp", "langchain-mcp-adapters", "openai-agents")
