"""The clients for Python of revision 2026-07-28, unmodified, against a docent that serves sample-docs."""

import asyncio
import json

import httpx2 as httpx
from checks import BACKUPS, DOCENT, HEADERS, QUESTION, TOOLS, URL, check, run
from fastmcp import Client as FastClient
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from langchain.mcp import MCPAdapter
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

STDIO = StdioServerParameters(command=DOCENT, args=["mcp"])


async def uses(client):
    assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
    found = await client.call_tool("search", {"query": QUESTION, "limit": 2})
    assert not found.is_error and json.loads(found.content[0].text) == found.structured_content
    cursor = found.structured_content["next_cursor"]
    page = await client.call_tool("search", {"query": QUESTION, "limit": 2, "cursor": cursor})
    first = found.structured_content["results"][0]["id"]
    assert first not in [result["id"] for result in page.structured_content["results"]]
    read = await client.call_tool("fetch", {"id": BACKUPS})
    assert "400 days" in read.structured_content["text"]
    told = []

    async def progress(done, total, message):
        told.append(done)

    answer = await client.call_tool("ask", {"question": QUESTION}, progress_callback=progress)
    assert answer.structured_content["citations"][0]["verified"] and told
    wrong = await client.call_tool("search", {"colour": "red"})
    assert wrong.is_error and "no argument `colour`" in wrong.content[0].text
    uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
    assert "docent://docent/" + BACKUPS in uris
    text = (await client.read_resource("docent://docent/" + BACKUPS)).contents[0].text
    assert "400 days" in text
    assert len((await client.list_prompts()).prompts) == 2


@check
async def mcp_over_stdio():
    async with Client(STDIO) as client:
        await uses(client)


@check
async def mcp_over_stdio_with_a_handshake():
    async with Client(STDIO, mode="legacy") as client:
        await uses(client)


@check
async def mcp_over_http():
    async with httpx.AsyncClient(headers=HEADERS) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as client:
            await uses(client)


@check
async def a_call_is_cancelled():
    async with Client(STDIO) as client:
        call = asyncio.create_task(client.call_tool("ask", {"question": QUESTION}))
        await asyncio.sleep(0)
        call.cancel()
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS


@check
async def fastmcp_over_stdio_and_http():
    for transport in (StdioTransport(DOCENT, ["mcp"]), StreamableHttpTransport(URL, headers=HEADERS)):
        async with FastClient(transport) as client:
            assert [tool.name for tool in await client.list_tools()] == TOOLS
            found = await client.call_tool("search", {"query": QUESTION})
            assert found.structured_content["results"]


@check
async def langchain():
    for transport in (StdioTransport(DOCENT, ["mcp"]), StreamableHttpTransport(URL, headers=HEADERS)):
        adapter = MCPAdapter(FastClient(transport))
        tools = await adapter.list_tools()
        assert [tool.name for tool in tools] == TOOLS
        assert "400 days" in str(await tools[1].ainvoke({"id": BACKUPS}))


@check
async def llama_index():
    for client in (BasicMCPClient(DOCENT, args=["mcp"]), BasicMCPClient(URL, headers=HEADERS)):
        tools = await McpToolSpec(client).to_tool_list_async()
        assert [tool.metadata.name for tool in tools] == TOOLS
        assert "400 days" in str(await tools[1].acall(id=BACKUPS))


run("mcp", "fastmcp", "langchain", "llama-index-tools-mcp")
